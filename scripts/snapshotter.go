// containerd-stargz-grpc without its configuration: the filesystem of stargz-snapshotter behind containerd's
// snapshot service. Debian packages both as libraries, and no program that puts them together.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"github.com/containerd/containerd/contrib/snapshotservice"
	"github.com/containerd/containerd/reference"
	"github.com/containerd/containerd/remotes/docker"
	"github.com/containerd/stargz-snapshotter/fs"
	"github.com/containerd/stargz-snapshotter/fs/config"
	"github.com/containerd/stargz-snapshotter/fs/source"
	"github.com/containerd/stargz-snapshotter/snapshot"
	"github.com/hashicorp/go-retryablehttp"
	"google.golang.org/grpc"
)

func main() {
	root := flag.String("root", "", "folder to keep snapshots in")
	address := flag.String("address", "", "socket to listen on")
	plain := flag.String("plain-http", "", "registry that is spoken to without TLS")
	lazy := flag.Bool("no-background-fetch", false, "fetch only what is read")
	flag.Parse()
	if err := serve(*root, *address, *plain, *lazy); err != nil {
		log.Fatal(err)
	}
}

func serve(root, address, plain string, lazy bool) error {
	matches := func(host string) (bool, error) { return host == plain, nil }
	client := retryablehttp.NewClient()
	client.Logger = nil // it would log every request
	registries := docker.ConfigureDefaultRegistries(
		docker.WithPlainHTTP(matches), docker.WithClient(client.StandardClient()))
	hosts := func(name reference.Spec) ([]docker.RegistryHost, error) {
		return registries(name.Hostname())
	}
	filesystem, err := fs.NewFilesystem(
		filepath.Join(root, "stargz"),
		config.Config{NoBackgroundFetch: lazy, NoPrometheus: true},
		fs.WithGetSources(source.FromDefaultLabels(hosts)),
	)
	if err != nil {
		return err
	}
	snapshotter, err := snapshot.NewSnapshotter(
		context.Background(), filepath.Join(root, "snapshotter"), filesystem, snapshot.AsynchronousRemove)
	if err != nil {
		return err
	}
	defer snapshotter.Close() // unmounts
	listener, err := net.Listen("unix", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	snapshotsapi.RegisterSnapshotsServer(server, snapshotservice.FromSnapshotter(snapshotter))
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-stopped
		server.Stop()
	}()
	return server.Serve(listener)
}
