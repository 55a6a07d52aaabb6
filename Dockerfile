# The image: one static program, what it consists of, and the licences of that; no shell, no libc.
#
#   docker build -t httpserver:TAG .        any builder does: BuildKit or the one before it
#   script/image httpserver:TAG             the same, with version and commit in the labels

FROM debian:bookworm-slim AS packages
COPY script/bootstrap script/packages /bootstrap/
RUN /bootstrap/bootstrap build && rm -rf /var/lib/apt/lists/*

FROM packages AS build
# The same bytes come out wherever the source lies; a test says another place.
ARG SOURCE_FOLDER=/source
COPY . ${SOURCE_FOLDER}
WORKDIR ${SOURCE_FOLDER}
RUN script/build --static --werror
# Commit and its time, for the bill of materials; script/image fills them in. Behind the build, which
# need not be done again for another commit with the same source.
ARG REVISION=unknown
ARG SOURCE_DATE_EPOCH=0
RUN script/container/image-root /image

FROM scratch
ARG REVISION=unknown
ARG IMAGE_VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="httpserver" \
      org.opencontainers.image.description="The HTTP server whose latency you already know" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${IMAGE_VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /image/ /
# By number: there is no /etc/passwd, and Kubernetes' runAsNonRoot wants to see that it is not 0.
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/httpserver", "health"]
ENTRYPOINT ["/httpserver"]
