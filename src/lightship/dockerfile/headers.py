"""Debian's header packages, and the runtime library that what is compiled against them needs.

Names of runtime packages differ from suite to suite (`libssl1.1`, `libssl3t64`), so they are patterns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Library:
    """`runtime` is the package to install, `pattern` matches its names in all suites.

    `in_python` tells that the official slim Python images have it, because Python itself needs it.
    """

    runtime: str
    pattern: str
    in_python: bool = False

    def is_in(self, packages: frozenset[str]) -> bool:
        return any(re.fullmatch(rf"{self.pattern}(?:t64)?", name) for name in packages)


HEADERS = {
    "libpq-dev": Library("libpq5", r"libpq5|postgresql-client(?:-\d+)?"),
    "postgresql-server-dev-all": Library("libpq5", r"libpq5|postgresql-client(?:-\d+)?"),
    "postgresql-dev": Library("libpq", r"libpq|postgresql-libs|postgresql\d*-client"),
    "libmysqlclient-dev": Library("libmysqlclient21", r"libmysqlclient\d+|libmariadb3"),
    "default-libmysqlclient-dev": Library("libmariadb3", r"libmariadb3|libmysqlclient\d+"),
    "libmariadb-dev": Library("libmariadb3", r"libmariadb3"),
    "libffi-dev": Library("libffi8", r"libffi\d", in_python=True),
    "libssl-dev": Library("libssl3", r"libssl\d.*|openssl", in_python=True),
    "zlib1g-dev": Library("zlib1g", r"zlib1g", in_python=True),
    "libbz2-dev": Library("libbz2-1.0", r"libbz2-1\.0", in_python=True),
    "liblzma-dev": Library("liblzma5", r"liblzma5", in_python=True),
    "libsqlite3-dev": Library("libsqlite3-0", r"libsqlite3-0|sqlite3", in_python=True),
    "libreadline-dev": Library("libreadline8", r"libreadline\d", in_python=True),
    "libncurses-dev": Library("libncursesw6", r"libncursesw?\d", in_python=True),
    "libncurses5-dev": Library("libncursesw6", r"libncursesw?\d", in_python=True),
    "uuid-dev": Library("libuuid1", r"libuuid1", in_python=True),
    "libexpat1-dev": Library("libexpat1", r"libexpat1", in_python=True),
    "libxml2-dev": Library("libxml2", r"libxml2(?:-\d+)?|libxml2-utils"),
    "libxslt1-dev": Library("libxslt1.1", r"libxslt1\.1|xsltproc"),
    "libxslt-dev": Library("libxslt1.1", r"libxslt1\.1|xsltproc"),
    "libjpeg-dev": Library("libjpeg62-turbo", r"libjpeg62-turbo|libjpeg-turbo8|libjpeg8"),
    "libjpeg62-turbo-dev": Library("libjpeg62-turbo", r"libjpeg62-turbo|libjpeg-turbo8"),
    "libpng-dev": Library("libpng16-16", r"libpng16-16"),
    "libtiff-dev": Library("libtiff6", r"libtiff\d"),
    "libtiff5-dev": Library("libtiff6", r"libtiff\d"),
    "libwebp-dev": Library("libwebp7", r"libwebp\d"),
    "libfreetype6-dev": Library("libfreetype6", r"libfreetype6"),
    "libfreetype-dev": Library("libfreetype6", r"libfreetype6"),
    "libopenjp2-7-dev": Library("libopenjp2-7", r"libopenjp2-7"),
    "libgomp1-dev": Library("libgomp1", r"libgomp1"),
    "libopenblas-dev": Library("libopenblas0", r"libopenblas\d.*"),
    "liblapack-dev": Library("liblapack3", r"liblapack3|libopenblas\d.*"),
    "libatlas-base-dev": Library("libatlas3-base", r"libatlas3-base"),
    "libblas-dev": Library("libblas3", r"libblas3|libopenblas\d.*"),
    "libhdf5-dev": Library("libhdf5-103-1", r"libhdf5-\d.*"),
    "libnetcdf-dev": Library("libnetcdf19", r"libnetcdf\d+"),
    "libgeos-dev": Library("libgeos-c1v5", r"libgeos-c1(?:v5)?"),
    "libgdal-dev": Library("libgdal32", r"libgdal\d+|gdal-bin"),
    "libproj-dev": Library("libproj25", r"libproj\d+|proj-bin"),
    "libspatialindex-dev": Library("libspatialindex6", r"libspatialindex\d.*"),
    "libldap2-dev": Library("libldap-2.5-0", r"libldap-?2.*|libldap2"),
    "libldap-dev": Library("libldap-2.5-0", r"libldap-?2.*|libldap2"),
    "libsasl2-dev": Library("libsasl2-2", r"libsasl2-2"),
    "libkrb5-dev": Library("libgssapi-krb5-2", r"libgssapi-krb5-2|krb5-user"),
    "libcurl4-openssl-dev": Library("libcurl4", r"libcurl4|curl"),
    "libcurl4-gnutls-dev": Library("libcurl3-gnutls", r"libcurl3-gnutls"),
    "unixodbc-dev": Library("unixodbc", r"unixodbc|libodbc[12]|msodbcsql\d+"),
    "freetds-dev": Library("libsybdb5", r"libsybdb5|freetds-bin"),
    "librdkafka-dev": Library("librdkafka1", r"librdkafka1"),
    "libsnappy-dev": Library("libsnappy1v5", r"libsnappy1(?:v5)?"),
    "liblz4-dev": Library("liblz4-1", r"liblz4-1"),
    "libzstd-dev": Library("libzstd1", r"libzstd1"),
    "libleveldb-dev": Library("libleveldb1d", r"libleveldb1.*"),
    "librocksdb-dev": Library("librocksdb7.8", r"librocksdb\d.*"),
    "libmagic-dev": Library("libmagic1", r"libmagic1|file"),
    "libcairo2-dev": Library("libcairo2", r"libcairo2"),
    "libpango1.0-dev": Library("libpango-1.0-0", r"libpango-?1\.0-0|libpangocairo-1\.0-0"),
    "libgirepository1.0-dev": Library("libgirepository-1.0-1", r"libgirepository-1\.0-1"),
    "libglib2.0-dev": Library("libglib2.0-0", r"libglib2\.0-0"),
    "libsndfile1-dev": Library("libsndfile1", r"libsndfile1"),
    "libasound2-dev": Library("libasound2", r"libasound2"),
    "portaudio19-dev": Library("libportaudio2", r"libportaudio2"),
    "libopus-dev": Library("libopus0", r"libopus0"),
    "libavcodec-dev": Library("libavcodec59", r"libavcodec.*|ffmpeg"),
    "libavformat-dev": Library("libavformat59", r"libavformat.*|ffmpeg"),
    "libavdevice-dev": Library("libavdevice59", r"libavdevice.*|ffmpeg"),
    "libswscale-dev": Library("libswscale6", r"libswscale.*|ffmpeg"),
    "libopencv-dev": Library("libopencv-core406", r"libopencv-core.*"),
    "libtesseract-dev": Library("libtesseract5", r"libtesseract\d|tesseract-ocr"),
    "libleptonica-dev": Library("liblept5", r"liblept5|libleptonica6|tesseract-ocr"),
    "libpoppler-cpp-dev": Library("libpoppler-cpp0v5", r"libpoppler-cpp.*"),
    "libenchant-2-dev": Library("libenchant-2-2", r"libenchant-2-2"),
    "libsodium-dev": Library("libsodium23", r"libsodium23"),
    "libzmq3-dev": Library("libzmq5", r"libzmq5"),
    "libmemcached-dev": Library("libmemcached11", r"libmemcached11"),
    "libgmp-dev": Library("libgmp10", r"libgmp10"),
    "libmpfr-dev": Library("libmpfr6", r"libmpfr6"),
    "libgsl-dev": Library("libgsl27", r"libgsl\d+"),
    "libyaml-dev": Library("libyaml-0-2", r"libyaml-0-2"),
    "libre2-dev": Library("libre2-9", r"libre2-\d+"),
    "libprotobuf-dev": Library("libprotobuf32", r"libprotobuf\d+"),
    "libmilter-dev": Library("libmilter1.0.1", r"libmilter1\.0\.1"),
    "libxmlsec1-dev": Library("libxmlsec1-openssl", r"libxmlsec1.*"),
    "libpcap-dev": Library("libpcap0.8", r"libpcap0\.8"),
    "libusb-1.0-0-dev": Library("libusb-1.0-0", r"libusb-1\.0-0"),
}
"""By the name of the package with the headers; in Alpine the same names mean the same."""
