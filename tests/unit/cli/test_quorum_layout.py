"""`quorum-layout` as a process: exit codes, JSON, one clear line for what cannot be used."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "quorum-layout"


def call(*words, script=SCRIPT, **settings):
    environment = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "PYTHONPATH")}
    return subprocess.run(
        [str(script), *words],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        env={**environment, **settings.pop("env", {})},
        **settings,
    )


def test_check_answers_in_the_keys_that_scripts_rely_on():
    ran = call("check", "2,2,1", "--json")
    found = json.loads(ran.stdout)
    assert ran.returncode == 0
    assert found["schema"] == 1
    assert (found["layout"], found["managers"], found["quorum"]) == ([2, 2, 1], 5, 3)
    assert found["tolerates"] == {"nodes": 2, "zones": 1, "zone_plus_nodes": 0}
    assert found["outages"][0] == {"zones_lost": 1, "survived": 3, "total": 3}
    assert (found["goal"], found["meets_goal"], found["advice"]) == ("zone", True, [])
    assert 0 < found["unavailability"] < 1e-4


def test_check_exits_1_with_the_failing_zones_named():
    ran = call("check", "3,1,1", "--zone", "az1", "--zone", "az2", "--zone", "az4", "--json")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["failing_zones"] == [["az1"]]
    assert "losing az1 takes the quorum" in ran.stderr


def test_plan_lists_the_best_layout_first():
    found = json.loads(call("plan", "--managers", "5", "--zones", "3", "--json").stdout)
    assert found["schema"] == 1
    assert found["layouts"][0]["layout"] == [2, 2, 1]


def test_plan_names_the_cheapest_that_does_where_none_here_does():
    ran = call("plan", "--managers", "5", "--zones", "2")
    assert ran.returncode == 1
    assert "no spread of 5 managers over 2 zones survives the loss of any one zone" in ran.stderr
    said = " ".join(ran.stdout.split())
    assert "the cheapest that survives the loss of any one zone: 3 over 3 (1,1,1), 151.30 USD a month" in said


def test_move_answers_in_the_keys_that_scripts_rely_on():
    ran = call("move", "1,1,1", "2,2,1", "--max-managers", "7", "--spare-zone", "--json")
    found = json.loads(ran.stdout)
    assert ran.returncode == 0
    assert (found["schema"], found["unsafe_steps"]) == (1, 0)
    first = found["steps"][0]
    assert (first["action"], first["zone"], first["layout"]) == ("add", 3, [1, 1, 1, 1])
    assert set(first["tolerates"]) == {"nodes", "zones", "zone_plus_nodes"}
    assert first["catch_up_safe"] is False


def test_a_move_that_cannot_be_safe_exits_1_and_marks_its_steps():
    ran = call("move", "1,1,1", "2,2,1", "--max-managers", "7")
    assert ran.returncode == 1
    assert "UNSAFE" in ran.stdout
    assert "--spare-zone" in ran.stdout
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "allowed", "slack"),
    [
        (["--members", "5", "--reachable", "3", "--target", "up"], 1, False, -1),
        (["--members", "5", "--reachable", "3", "--target", "down"], 0, True, 0),
        (["--layout", "2,2,1", "--leaves", "c", "--target", "up"], 1, False, 1),
        (["--layout", "2,2,2", "--leaves", "c", "--target", "up"], 0, True, 2),
        (
            ["--layout", "2,2,1", "--reachable-layout", "2,2,0", "--leaves", "c", "--target", "down"],
            0,
            True,
            1,
        ),
    ],
)
def test_gate_answers_with_slack_and_reason(words, code, allowed, slack):
    ran = call("gate", *words, "--json")
    found = json.loads(ran.stdout)
    assert ran.returncode == code
    assert (found["allowed"], found["slack"]) == (allowed, slack)
    assert found["reason"]


BAD = [
    (["check", "-1,2,2"], "the count of managers in zone 0 is -1"),
    (["check", "-1,2,2", "--strict"], "the count of managers in zone 0 is -1"),
    (["check", "-2"], "the count of managers in zone 0 is -2"),
    (["check", "2,2", "--strict"], "4 managers with --strict"),
    (["check", "1000000000"], "is 1000000000: the bound is 0 to 99"),
    (["check", "9" * 5000], "is no list of whole numbers"),
    (["check", "2,2,x"], "layout '2,2,x' is no list of whole numbers"),
    (["check", ""], "layout '' is no list of whole numbers"),
    (["check", "2,,1"], "layout '2,,1' is no list of whole numbers"),
    (["check", "0,0,0"], "the count of managers in layout 0,0,0 is 0"),
    (["check", "2,2,1", "--node-outage", "1.5"], "probability '1.5': a probability lies between 0 and 1"),
    (["check", "2,2,1", "--zone-outage", "-0.1"], "probability '-0.1'"),
    (["check", "2,2,1", "--zone-outage", "nan"], "probability 'nan'"),
    (["check", "2,2,1", "--zone", "a=2", "--zone", "b", "--zone", "c"], "probability '2'"),
    (["check", "2,2,1", "--zone", "a", "--zone", "b"], "2 zones for a layout of 3 numbers"),
    (["check", "2,2,1", "--zone", "a", "--zone", "b", "--zone", "a"], "zone name 'a'"),
    (["check", "2,2,1", "--zones", "4"], "4 zones for a layout of 3 numbers"),
    (["check", "2,2,1", "--survive", "galaxy"], "goal 'galaxy' is unknown"),
    (["check", "2,2,1", "--instance-type", "t9.huge"], "instance type 't9.huge' is not in the price table"),
    (["check", "2,2,1", "--node-mtbf", "100"], "needs all four rates"),
    (["check", "2,2,1", "--node-mtbf", "0"], "hours '0': a number above 0"),
    (["check", "2,2,1", "--rtt", "/nonexistent"], "cannot be read"),
    (["check", "2,2,1", "--prices", "/nonexistent"], "cannot be read"),
    (["check", "2,2,1", "--bananas"], "unrecognized arguments: --bananas"),
    (["check"], "required: layout"),
    (["plan", "--managers", "5", "--zones", "0"], "the count of zones is 0: the bound is 1 to 16"),
    (["plan", "--managers", "5"], "over which zones?"),
    (["plan", "--managers", "0", "--zones", "3"], "the count of managers is 0"),
    (["plan", "--managers", "-5", "--zones", "3"], "the count of managers is -5"),
    (["plan", "--managers", "-5", "--zones", "3", "--strict"], "the count of managers is -5"),
    (["plan", "--managers", "1000000000", "--zones", "3"], "the count of managers is 1000000000"),
    (["plan", "--managers", "9-3", "--zones", "3"], "the range starts above its end"),
    (["plan", "--managers", "3-1000000000", "--zones", "3"], "the count of managers is 1000000000"),
    (["plan", "--managers", "4", "--zones", "3", "--strict"], "4 managers with --strict"),
    (["plan", "--managers", "5", "--zones", "2.5"], "zones '2.5' is no whole number"),
    (["move", "1,1,1"], "from which layout to which?"),
    (["move", "1,1,1", "2,2"], "3 zones and 2"),
    (["move", "1,1,1", "2,2,1", "--replace", "z9"], "zone 'z9' is unknown"),
    (["move", "2,2,1", "3,3,3", "--max-managers", "5"], "an end itself has 9"),
    (["move", "--verify", "/nonexistent"], "the plan '/nonexistent' cannot be read"),
    (["move", "1", "1", "--replace-all", "--max-managers", "1"], "the last one can only leave once"),
    (["gate", "--members", "3", "--reachable", "4", "--target", "up"], "the bound is 0 to 3"),
    (["gate", "--members", "3", "--reachable", "3", "--target", "sideways"], "invalid choice: 'sideways'"),
    (["gate", "--members", "0", "--reachable", "0", "--target", "up"], "the count of members is 0"),
    (["gate", "--layout", "2,2,1", "--target", "up", "--leaves", "q"], "name the zone of the one to go"),
    (["live", "--layout", "2,2,1"], "needs as many --zone NAME"),
    (["live", "--stack", "nowhere"], "stack 'nowhere' has no Pulumi.nowhere.yaml"),
    (["chek", "2,2,1"], "'chek' is no verb (did you mean 'check'?)"),
    (["completion", "tcsh"], "invalid choice: 'tcsh'"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words)[:40] for words, _ in BAD])
def test_words_that_cannot_be_used_get_one_clear_line_and_exit_2(words, said):
    ran = call(*words)
    assert ran.returncode == 2, ran.stderr
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("quorum-layout: ")
    assert said in ran.stderr
    assert len(ran.stderr) < 400


def examples():
    for verb in ("check", "plan", "move", "gate"):
        module = importlib.import_module(f"quorate.cli.planner.{verb}")
        yield from module.EXAMPLES


@pytest.mark.parametrize(("line", "shown"), list(examples()), ids=lambda text: text.splitlines()[0][:50])
def test_the_worked_examples_of_the_help_show_what_the_command_prints(line, shown):
    program, *words = line.split()
    assert program == "quorum-layout"
    assert call(*words).stdout == shown
    assert line in call(words[0], "--help").stdout


@pytest.mark.parametrize("verb", ["check", "plan", "move", "gate", "live", "completion"])
def test_help_fits_80_columns(verb):
    ran = call(verb, "--help")
    assert ran.returncode == 0
    long = [line for line in ran.stdout.splitlines() if len(line) > 80 and "$ quorum-layout" not in line]
    # an example stands four columns in
    assert [line for line in long if len(line) > 84] == []


@pytest.mark.parametrize(
    "words",
    [
        ["check", "2,2,1"],
        ["check", "1,1,1,1,1,1", "--survive", "2-zones"],
        ["plan", "--managers", "3-9", "--zones", "4"],
        ["plan", "--managers", "4", "--zones", "3"],
        ["move", "3,3,3", "1,1,1", "--replace-all"],
        ["gate", "--layout", "2,2,1", "--leaves", "c", "--target", "up"],
    ],
)
def test_answers_fit_80_columns_and_have_no_colour_in_a_pipe(words):
    shown = call(*words).stdout
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "\033" not in shown


def test_no_verb_shows_the_verbs_and_exits_2():
    ran = call()
    assert ran.returncode == 2
    assert "check" in ran.stderr
    assert call("--help").returncode == 0


def test_it_works_through_a_symlink_and_from_any_directory(tmp_path):
    link = tmp_path / "ql"
    link.symlink_to(SCRIPT)
    assert call("check", "2,2,1", script=link, cwd=tmp_path).returncode == 0
    assert call("check", "2,2,1", script="./ql", cwd=tmp_path).returncode == 0


def test_a_file_beside_the_caller_is_never_imported(tmp_path):
    (tmp_path / "enum.py").write_text("raise SystemExit('the wrong module')")
    assert call("check", "2,2,1", cwd=tmp_path).returncode == 0


def test_without_a_virtual_environment_the_systems_python_answers(tmp_path):
    for part in ("scripts/quorum-layout", "infra/quorate"):
        source, target = ROOT / part, tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "lab"))
        else:
            shutil.copy2(source, target)
    on_path = tmp_path / "bin"
    on_path.mkdir()
    (on_path / "python3").symlink_to(sys.executable)
    ran = call(
        "plan",
        "--managers",
        "5",
        "--zones",
        "3",
        script=tmp_path / "scripts/quorum-layout",
        env={"PATH": f"{on_path}:/usr/bin:/bin"},
    )
    assert ran.returncode == 0, ran.stderr


def test_the_script_may_be_executed():
    assert SCRIPT.stat().st_mode & stat.S_IXUSR


def test_a_reader_that_stops_early_ends_it_quietly():
    ran = subprocess.run(
        ["sh", "-c", f"{SCRIPT} plan --managers 3-9 --zones 4 --top 1000 --json | head -n 1"],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert ran.stdout == "{\n"
    assert ran.stderr == ""


def test_the_tables_that_a_person_gives_are_used(tmp_path):
    rtt, prices = tmp_path / "rtt.json", tmp_path / "prices.json"
    # the table's own order of zones does not matter
    rtt.write_text(json.dumps({"zones": ["b", "a"], "rtt_ms": [[0.1, 2], [2, 0.3]]}))
    prices.write_text(
        json.dumps({"date": "2030-01-01", "instances": {"x1": 1}, "hours": 10, "nat_gateway": 0})
    )
    words = ["check", "1,2", "--survive", "none", "--rtt", str(rtt), "--prices", str(prices)]
    found = json.loads(call(*words, "--instance-type", "x1", "--json").stdout)
    assert found["monthly_cost"]["amount"] == 3 * (10 + 30 * 0.08)
    assert found["monthly_cost"]["prices_of"] == "2030-01-01"
    assert found["commit_latency_ms"] == [
        {"leader_zone": "a", "whole": 2, "zone_lost": {"a": None, "b": None}},
        {"leader_zone": "b", "whole": 0.1, "zone_lost": {"a": 0.1, "b": None}},
    ]


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--rtt", "{", "is no JSON"),
        ("--rtt", "[]", "is no JSON object"),
        ("--rtt", "{}", "needs both lists"),
        ("--rtt", '{"zones": ["a", "b"], "rtt_ms": [[1, 2]]}', "2 zones need 2 rows"),
        ("--rtt", '{"zones": ["x"], "rtt_ms": [[1]]}', "has no zone 'a'"),
        ("--prices", "{}", "has no date"),
        ("--prices", '{"date": "2030", "colour": 1}', "'colour' is no field of it"),
        ("--prices", '{"date": "2030", "nat_gateway": -1}', "nat_gateway is '-1'"),
        ("--prices", '{"date": "2030", "instances": []}', "instances must map"),
    ],
)
def test_a_table_that_cannot_be_used_gets_one_clear_line(tmp_path, option, content, said):
    table = tmp_path / "table.json"
    table.write_text(content)
    ran = call("check", "1,1,1", option, str(table))
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
    assert said in ran.stderr


def test_rates_give_the_mean_time_to_quorum_loss_and_the_outages():
    rates = ["--node-mtbf", "199", "--node-mttr", "1", "--zone-mtbf", "9999", "--zone-mttr", "1"]
    found = json.loads(call("check", "2,2,1", *rates, "--json").stdout)
    usual = json.loads(call("check", "2,2,1", "--json").stdout)
    assert found["mean_hours_to_quorum_loss"] > 1000
    # 1 hour in 200 and in 10000 are the usual outages
    assert found["unavailability"] == pytest.approx(usual["unavailability"], rel=1e-9)
    assert call("check", "2,2,1", *rates, "--node-outage", "0.1").returncode == 2


def test_chances_of_destruction_give_the_chance_of_losing_a_write():
    words = ["check", "1,1,1", "--zone-loss", "0.1", "--json"]
    held = json.loads(call(*words).stdout)["durability"]
    # two or three of three zones: 3 x 0.1^2 x 0.9 + 0.1^3
    assert held["loss_probability"] == pytest.approx(0.028)
    assert "loss_probability" not in json.loads(call("check", "1,1,1", "--json").stdout)["durability"]


def test_a_plan_file_is_written_whole(tmp_path):
    out = tmp_path / "move.json"
    assert call("move", "1,1,1", "2,2,1", "--spare-zone", "--out", str(out)).returncode == 0
    assert json.loads(out.read_text())["kind"] == "quorate-move"
    assert [path.name for path in tmp_path.iterdir()] == ["move.json"]
    ran = call("move", "1,1,1", "2,2,1", "--out", "/nonexistent/move.json")
    assert ran.returncode == 2
    assert "cannot be written" in ran.stderr


def test_verifying_without_a_swarm_says_what_to_give(tmp_path):
    out = tmp_path / "move.json"
    call("move", "1,1,1", "2,2,1", "--spare-zone", "--out", str(out))
    ran = call("move", "--verify", str(out), "--docker-host", f"unix://{tmp_path}/none.sock")
    assert ran.returncode == 1
    assert "the engine did not answer" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_bash_completes_verbs_options_and_values():
    script = call("completion", "bash").stdout
    asks = {
        "ch": "check",
        "plan --man": "--managers",
        "plan --survive 2": "2-zones",
        "move --spa": "--spare-zone",
    }
    for typed, expected in asks.items():
        words = ["quorum-layout", *typed.split(" ")]
        line = (
            f"{script}\nCOMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _quorum_layout; "
            'echo "${COMPREPLY[@]}"'
        )
        ran = subprocess.run(["bash", "-c", line], check=False, capture_output=True, text=True, timeout=30)
        assert ran.stdout.strip() == expected, ran.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_verb(shell):
    script = call("completion", shell).stdout
    assert all(verb in script for verb in ("check", "plan", "move", "gate", "live", "--survive"[2:]))


def test_a_drawing_is_well_formed_and_names_the_zones(tmp_path):
    from xml.etree import ElementTree

    file = tmp_path / "layout.svg"
    assert (
        call("check", "2,2,1", "--zone", "a<b", "--zone", "b&", "--zone", "c", "--svg", str(file)).returncode
        == 0
    )
    root = ElementTree.parse(file).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f".//{space}circle")) == 5
    words = [text.text for text in root.iter(f"{space}text")]
    assert words[:3] == ["a<b", "b&", "c"]


def documented():
    """Each `$ quorum-layout …` of docs/quorum.md with what stands beneath it."""
    words, shown, found = None, [], []
    for line in [*(ROOT / "docs/quorum.md").read_text().splitlines(), "end"]:
        if line.startswith("    $ quorum-layout "):
            words, shown = line.split()[2:], []
        elif words and (line.startswith("    ") or not line):
            shown.append(line.removeprefix("    "))
        elif words:
            found.append((words, "\n".join(shown).rstrip()))
            words = None
    return found


@pytest.mark.parametrize(("words", "shown"), documented(), ids=lambda value: " ".join(value)[:40])
def test_the_document_shows_what_the_command_prints(words, shown):
    assert call(*words).stdout.rstrip() == shown
