# syntax=docker/dockerfile:1

FROM golang:1.26.8-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /rowcall ./cmd/rowcall

FROM alpine:3.22
COPY --from=build /rowcall /usr/local/bin/rowcall
COPY config/rowcall.example.yaml /etc/rowcall/rowcall.yaml
ENV ROWCALL_CONFIG=/etc/rowcall/rowcall.yaml
USER 10001:10001
EXPOSE 8080
# Alpine's wget asks the server itself whether it is ready.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["rowcall"]
CMD ["serve"]
