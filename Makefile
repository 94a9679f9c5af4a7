# Names only: tools/ holds the steps, CMake and cargo do the work. Start with: make help
.PHONY: help setup build demo test bench format lint install lock clean

help:    ## this list
	@sed -n 's/^\([a-z]*\): *\([^#]*\)## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup:   ## installs what the build needs: Debian packages, Rust, a Python environment
	@tools/setup.sh

build:   ## builds build/sheaf and the DataFusion driver beside it
	@tools/build.sh

demo:    ## builds, makes example data, runs the main job and compares its output with the queries
	@tools/demo.sh

test:    ## builds and runs all tests
	@tools/test.sh

bench:   ## builds and runs the benchmarks
	@tools/bench.sh

format:  ## rewrites C++ and Rust in the project's format
	@tools/lint.sh --fix

lint:    ## checks the format, and the code with clang-tidy and clippy
	@tools/lint.sh

install: ## builds and installs; PREFIX=/usr/local
	@tools/install.sh "$(or $(PREFIX),/usr/local)"

lock:    ## makes deps/requirements*.txt anew from deps/requirements*.in
	@tools/lock.sh

clean:   ## removes build/; keeps the cache outside the checkout
	rm -rf build
