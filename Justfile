# One line a recipe; what needs logic is a test or a `cordon` subcommand.

# Everything CI runs.
ci:
    .ci/run

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

# Property tests and torture runs at release size; `cargo test` runs the CI-sized ones.
torture:
    PROPTEST_CASES=100000 cargo test --release

# Start-up time and idle memory; see docs/measurements.md.
measure:
    cargo build --release && docs/measure-startup
