//! Tests of the command line itself.

use clap::CommandFactory as _;

use super::*;

/// Every command below this one, with the arguments that are its own.
fn outline(command: &clap::Command, path: &str, into: &mut String) {
    let text = |text: Option<&clap::builder::StyledStr>| {
        text.map(ToString::to_string).unwrap_or_default().replace('\n', " ")
    };
    into.push_str(&format!("{path}: {}\n", text(command.get_about())));
    let own = |arg: &&clap::Arg| !arg.is_global_set() && arg.get_id() != "help";
    for arg in command.get_arguments().filter(own) {
        into.push_str(&format!("    {arg}: {}\n", text(arg.get_help())));
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        outline(below, &format!("{path} {}", below.get_name()), into);
    }
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_is_what_it_was() {
    let mut command = Cli::command();
    command.build();
    let mut text = command.render_long_help().to_string();
    for name in ["serve", "connection"] {
        let below = command.find_subcommand_mut(name).unwrap();
        text.push_str(&format!("\n---\n{}", below.render_long_help()));
    }
    text.push_str("\n---\n");
    outline(&command, "cordon", &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn values_of_secrets_cannot_be_arguments() {
    let refused = [
        &["cordon", "connection", "secrets", "crm", "--set", "credentials=x"][..],
        &["cordon", "connection", "list", "--key", "x"],
    ];
    for line in refused {
        let error = Cli::try_parse_from(line).err().unwrap();
        assert_eq!(error.exit_code(), 2, "{line:?}");
    }
}

#[test]
fn what_is_read_from_standard_input_is_written_as_a_dash() {
    for line in [
        &["cordon", "connection", "apply", "-"][..],
        &["cordon", "connection", "secrets", "crm", "--file", "-"],
        &["cordon", "request", "input", "id", "crm", "--file", "-"],
        &["cordon", "request", "submit", "--file", "-", "--wait"],
        &["cordon", "policy", "manual-webhook", "apply", "access", "-"],
    ] {
        assert!(Cli::try_parse_from(line).is_ok(), "{line:?}");
    }
}

#[test]
fn a_path_can_only_name_one_object() {
    for line in [
        &["cordon", "connection", "show", ".."][..],
        &["cordon", "request", "show", ""],
        &["cordon", "request", "submit", "--policy", "access", "--identity", "email"],
        &["cordon", "request", "submit", "--policy", "access"],
    ] {
        assert_eq!(Cli::try_parse_from(line).err().unwrap().exit_code(), 2, "{line:?}");
    }
}
