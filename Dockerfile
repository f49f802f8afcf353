# The whole service as `make run` runs it, for trying out and for tests. `make image` builds it from the archive of `make dist`;
# nothing is compiled here. BASE is Debian or something of its kind.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS archive
ARG ARCHIVE
ADD ${ARCHIVE} /
RUN mv /counterfoil-* /counterfoil && mkdir /data

FROM ${BASE}
# By these webhooks trust merchants' servers.
RUN [ -f /etc/ssl/certs/ca-certificates.crt ] || { apt-get update && \
  apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*; }
COPY --from=archive /counterfoil /counterfoil
COPY --from=archive --chown=1000:1000 /data /data
ENV BIND=0.0.0.0 DATA_DIR=/data PATH=/counterfoil:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 1000:1000
VOLUME /data
# The API and its pages, the mailbox, the simulator of TrueLayer. Pages name them by these numbers: publish each as its own.
EXPOSE 3000 8025 9400
# The start page, by bash alone: there is no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/3000 && printf 'GET / HTTP/1.1\\r\\nHost: 127.0.0.1:3000\\r\\nConnection: close\\r\\n\\r\\n' >&3 && grep -q ' 200 OK' <&3"]
ENTRYPOINT ["/counterfoil/run"]
