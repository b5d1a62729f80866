# One line a recipe; what needs logic is a test or a `cordon` subcommand.

# Everything CI runs; `just ci full` builds connectors in JavaScript and Python first.
ci tier="":
    .ci/run {{tier}}

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets -- -D warnings

test:
    cargo test

doc:
    cargo doc --workspace --no-deps --open

demo:
    cargo run --release -- demo

# The connector `contacts` in JavaScript and Python, for the conformance suite; needs npm and pip.
languages:
    plugins/examples/paginated/build-languages

# Property tests at release size; `cargo test` runs the CI-sized ones.
torture:
    PROPTEST_CASES=100000 cargo test --release

# The long runs of the sandbox at release size, or with so many calls each: `just torture-sandbox 500`.
torture-sandbox calls="full":
    CORDON_TORTURE={{calls}} cargo test --release -p cordon-tests --test it torture:: -- --nocapture --test-threads=1

# Start-up time and idle memory; see docs/measurements.md.
measure:
    cargo build --release && docs/measure-startup

# What a tenant notices of others that spin or flood; see docs/measurements.md.
neighbors rounds="20":
    CORDON_NEIGHBORS={{rounds}} cargo test --release -p cordon-tests --test it -- --nocapture neighbors
