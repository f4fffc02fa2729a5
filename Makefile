# A thin front for cmake, ctest, pytest and the scripts: `make help` lists the targets. Every target sets up what
# it needs on a fresh machine first and says what it does.

PREFIX ?= /usr/local
SECONDS ?= 60

.PHONY: help demo test test-c test-python test-compat build release fuzz bench format format-check install clean

help:
	@echo 'make demo              set up this machine, build the program and show it at work'
	@echo 'make test              set up, build and run the C tests (dev, asan) and the Python tests'
	@echo 'make test-compat       the tests with Spark and Flink (downloads about 650 MB the first time)'
	@echo 'make build             build/dev/tarn, for development'
	@echo 'make release           build/release/tarn, one file'
	@echo 'make fuzz SECONDS=60   run every fuzzer that long (TARN_FUZZ_JOBS=2: two at a time)'
	@echo 'make bench             run the benchmarks'
	@echo 'make format            lay out the C sources; format-check only looks'
	@echo 'make install PREFIX=   install the program, libtarn.a and the headers ($(PREFIX))'
	@echo 'make clean             remove build/'
	@echo
	@echo 'Parts of the tests: make test-c, make test-python, scripts/test. Presets: cmake --list-presets.'
	@echo 'Downloads are kept in $${TARN_CACHE:-~/.cache/tarn}.'

demo: release
	@if [ -x scripts/demo ]; then echo '==> running scripts/demo'; TARN=$(CURDIR)/build/release/tarn scripts/demo; \
	else echo '==> build/release/tarn is ready; there is no scripts/demo yet'; fi

release:
	@echo '==> setting up this machine: compiler, libraries and the engine'
	@scripts/setup build
	@echo '==> building build/release'
	@scripts/build release

build:
	@scripts/setup test
	@scripts/build dev

test test-c test-python:
	@echo '==> setting up this machine: compilers, libraries, the engine and the test packages'
	@scripts/setup test
	@scripts/test $(patsubst test-%,%,$(filter test-%,$@))

test-compat:
	@echo '==> setting up this machine: Java, Spark, Flink and their Iceberg runtimes'
	@scripts/setup compat
	@echo '==> building build/dev'
	@scripts/build dev
	@scripts/test compat

fuzz:
	@scripts/setup test
	@scripts/build fuzz
	@scripts/fuzz $(SECONDS)

bench: release
	@if [ -x bench/run ]; then TARN=$(CURDIR)/build/release/tarn bench/run; else echo 'there is no bench/run yet'; fi

format format-check:
	@scripts/setup test
	@scripts/format $(if $(filter %-check,$@),--check)

install: release
	cmake --install build/release --strip --prefix $(PREFIX)

clean:
	rm -rf build
