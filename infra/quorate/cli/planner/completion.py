"""`quorum-layout completion bash|zsh|fish`: the shell's own words for completing these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from quorate.cli.planner import arguments
from quorate.cli.quorum_layout import PROGRAM, VERBS
from quorate.layout.cost import EGRESS

ABOUT = """\
Prints a script that makes the shell complete the verbs and options of quorum-
layout.

  bash   source <(quorum-layout completion bash), in ~/.bashrc
  zsh    source <(quorum-layout completion zsh), in ~/.zshrc after compinit
  fish   quorum-layout completion fish >
           ~/.config/fish/completions/quorum-layout.fish"""

SHELLS = ("bash", "zsh", "fish")
VALUES: Mapping[str, Sequence[str]] = {
    "--survive": arguments.Goals,
    "--egress": EGRESS,
    "--by": ("availability", "cost"),
    "--target": ("up", "down"),
}

BASH = """\
_quorum_layout() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=
    if [ "$COMP_CWORD" = 1 ]; then words="{verbs}"; else
        case $before in
{values}
        *) case ${{COMP_WORDS[1]}} in
{options}
           esac ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _quorum_layout {program}
"""


def parser() -> arguments.Words:
    parser = arguments.Words("completion", ABOUT, ())
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    return parser


def run(given: Sequence[str]) -> int:
    shell = parser().read(given).shell
    options = {verb: import_module(f"quorate.cli.planner.{verb}").parser().options for verb in VERBS}
    print(_fish(options) if shell == "fish" else _bash(options, zsh=shell == "zsh"), end="")
    return 0


def _bash(options: Mapping[str, Sequence[str]], zsh: bool) -> str:
    values = [f'        {name}) words="{" ".join(known)}" ;;' for name, known in VALUES.items()]
    words = {**{verb: " ".join(known) for verb, known in options.items()}, "completion": " ".join(SHELLS)}
    script = BASH.format(
        program=PROGRAM,
        verbs=" ".join(VERBS),
        values="\n".join(values),
        options="\n".join(f'           {verb}) words="{known}" ;;' for verb, known in words.items()),
    )
    if not zsh:
        return script
    # zsh runs bash's completions; it has no mapfile
    return "autoload -U +X bashcompinit && bashcompinit\n" + script.replace(
        'mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")',
        'COMPREPLY=($(compgen -W "$words" -- "$word"))',
    )


def _fish(options: Mapping[str, Sequence[str]]) -> str:
    lines = [
        f"complete -c {PROGRAM} -n __fish_use_subcommand -f -a {verb} -d '{about}'"
        for verb, about in VERBS.items()
    ]
    for verb, known in options.items():
        for name in known:
            value = f" -x -a '{' '.join(VALUES[name])}'" if name in VALUES else ""
            when = f"-n '__fish_seen_subcommand_from {verb}'"
            lines.append(f"complete -c {PROGRAM} {when} -l {name.removeprefix('--')}{value}")
    lines.append(
        f"complete -c {PROGRAM} -n '__fish_seen_subcommand_from completion' -f -a '{' '.join(SHELLS)}'"
    )
    return "\n".join(lines) + "\n"
