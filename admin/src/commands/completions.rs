//! Scripts by which a shell completes what is typed.

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::report::print;

/// Where each shell reads such a script.
const INSTALL: &str = "\
Examples:
  counterfoil completions bash > ~/.local/share/bash-completion/completions/counterfoil
  counterfoil completions zsh > \"${fpath[1]}/_counterfoil\"
  counterfoil completions fish > ~/.config/fish/completions/counterfoil.fish
  counterfoil completions powershell >> $PROFILE
  counterfoil completions elvish >> ~/.config/elvish/rc.elv

Then begin a new shell.";

/// Print a script by which your shell completes commands and options
#[derive(Debug, Args)]
#[command(after_help = INSTALL)]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

/// Prints it, for this definition of the whole command line.
pub(crate) fn run(Completions { shell }: &Completions, cli: clap::Command) -> Result<(), Failure> {
    Ok(print(&script(*shell, cli))?)
}

fn script(shell: Shell, mut cli: clap::Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "counterfoil", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, ValueEnum};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_shells_script_names_commands_and_options() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell, Cli::command())).unwrap();
            for word in ["dead-letters", "redrive", "longer-than", "completions"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
