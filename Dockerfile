# A server for rooms:  docker build -t plytalk . && docker run --init -p 7591:7591 -v plytalk:/var/lib/plytalk plytalk
# Anything else:       docker run --rm plytalk demo
# Keys are made when it runs, in the volume; the image holds none.

FROM python:3.13-slim AS build
COPY . /src
RUN python -m venv /opt/plytalk
RUN /opt/plytalk/bin/pip install --no-cache-dir "/src[passphrase,codes,rooms]"

FROM python:3.13-slim
COPY --from=build /opt/plytalk /opt/plytalk
RUN install -d -m 700 -o 65532 -g 65532 /var/lib/plytalk
ENV PATH=/opt/plytalk/bin:$PATH PLYTALK_HOME=/var/lib/plytalk HOME=/var/lib/plytalk
USER 65532:65532
VOLUME /var/lib/plytalk
EXPOSE 7591
ENTRYPOINT ["chat"]
CMD ["serve", "--keep", "--headless", "--host", "0.0.0.0"]
