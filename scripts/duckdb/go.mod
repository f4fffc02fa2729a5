// The engine's C library, fetched as the Go module that carries its header and static archives.
// Only `go mod download` looks at this file: no Go is compiled. go.sum pins the hashes.
module tarn/duckdb

go 1.19

require (
	github.com/duckdb/duckdb-go-bindings/lib/linux-amd64 v0.10505.0
	github.com/duckdb/duckdb-go-bindings/lib/linux-arm64 v0.10505.0
)
