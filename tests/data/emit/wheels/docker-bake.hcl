# Made by `lightship dockerfile --ci github`: change the configuration, and run it again.
#
#   docker buildx bake                      # production, every variant
#   docker buildx bake development-cu126
#   REGISTRY=registry.example.com/team/ TAG=1.0 docker buildx bake --push
#
# Needs Buildx 0.13 or newer, and a builder that is no `docker` driver: `docker buildx create --use`.

variable "REGISTRY" {
  default = ""
}

variable "TAG" {
  default = "2.1"
}

# Of files and of the image: the same sources give the same bytes, whenever they are built.
variable "SOURCE_DATE_EPOCH" {
  default = "315532800"
}

# Whether the build writes its cache to the registry; it always looks for one there.
variable "WRITE_CACHE" {
  default = false
}

# pip's configuration, for a private index; it is lent to the builder and is in no layer.
variable "PIP_CONFIG_FILE" {
  default = "/dev/null"
}

group "default" {
  targets = ["production-cu126", "production-none"]
}

target "production" {
  name = "production-${variant}"
  matrix = {
    variant = ["cu126", "none"]
  }
  context = "."
  target = "production"
  args = {
    TORCH_VARIANT = variant
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
  }
  contexts = {
    weights = "oci-layout://../weights"
  }
  platforms = ["linux/amd64", "linux/arm64"]
  secret = ["id=pip,src=${PIP_CONFIG_FILE}"]
  tags = ["${REGISTRY}service:${TAG}-${variant}"]
  cache-from = REGISTRY == "" ? [] : ["type=registry,ref=${REGISTRY}service:cache-production-${variant}"]
  cache-to = !WRITE_CACHE ? [] : ["type=registry,ref=${REGISTRY}service:cache-production-${variant},mode=max"]
  attest = ["type=provenance,mode=max", "type=sbom"]
  output = ["type=image,rewrite-timestamp=true"]
}

target "development" {
  name = "development-${variant}"
  matrix = {
    variant = ["cu126", "none"]
  }
  context = "."
  target = "development"
  args = {
    TORCH_VARIANT = variant
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
  }
  contexts = {
    weights = "oci-layout://../weights"
  }
  platforms = ["linux/amd64", "linux/arm64"]
  secret = ["id=pip,src=${PIP_CONFIG_FILE}"]
  tags = ["${REGISTRY}service:${TAG}-${variant}-development"]
  cache-from = REGISTRY == "" ? [] : ["type=registry,ref=${REGISTRY}service:cache-development-${variant}"]
  cache-to = !WRITE_CACHE ? [] : ["type=registry,ref=${REGISTRY}service:cache-development-${variant},mode=max"]
  attest = ["type=provenance,mode=max", "type=sbom"]
  output = ["type=image,rewrite-timestamp=true"]
}
