# SPDX-License-Identifier: BSD-2-Clause
"""What spf says when it cannot do what it is asked: one line, and which exit status."""
import os
import re
import shlex
import shutil
import signal
import subprocess

import live

NEEDS_CAPTURE = False
NOBODY = 65534


def refused(args, status, *words, **options):
    r = live.run(live.SPF, *args, cwd=live.ROOT, **options)
    err = r.stderr.decode()
    assert r.returncode == status, f"exit status {r.returncode}, not {status}: {err}"
    assert r.stdout == b"", r.stdout
    assert err.startswith("spf: ") and err.count("\n") == 1, f"not one line: {err!r}"
    for word in words:
        assert word in err, f"{word!r} is not in {err!r}"


def test_help_and_version_go_to_stdout():
    for option, word in (("--help", b"usage: spf"), ("--version", b"spf 0.")):
        r = live.run(live.SPF, option)
        assert r.returncode == 0 and word in r.stdout and not r.stderr, r


def test_an_unknown_option_is_named():
    refused(["--frobnicate"], 2, "--frobnicate")


def test_a_near_miss_is_suggested():
    refused(["--verison"], 2, "--version")


def test_an_unknown_field_is_named_with_a_near_one():
    refused(["-F", "ts,pth", live.path("x.sock")], 2, "'pth'", "'path'")


def test_a_field_that_nothing_printed_has():
    refused(["-F", "ts,rpc_status", live.path("x.sock")], 2, "rpc_status", "-k call")
    refused(["-k", "chunk,gap", "-F", "path", live.path("x.sock")], 2, "path", "-k frame")
    refused(["-F", "ts comm", live.path("x.sock")], 2, "'ts comm'", "commas")
    assert live.run(live.SPF, "-r", "tests/golden/shop.chunks", "-k", "call,chunk", "-F", " ts , rpc_status", "-c", "1",
                    cwd=live.ROOT).returncode == 0


def test_nothing_where_something_is_wanted():
    for args in (["-f", ""], ["-e", " "], ["-s", ""], ["--cgroup", ""], ["-k", ""], ["-k", "call,,frame"], ["-k", "call,"]):
        refused([*args, live.path("x.sock")], 2, args[0])


def test_a_script_that_is_not_there():
    refused(["-s", "no_such_script", live.path("x.sock")], 2, "no_such_script")
    refused(["-s", "/no/such/file.lua", live.path("x.sock")], 2, "/no/such/file.lua")
    refused(["-s", "README.md", live.path("x.sock")], 2, "did you mean ./README.md?")  # a file that is here


def test_a_broken_script_is_refused_with_file_and_line():
    file = live.path("broken.lua")
    with open(file, "w") as f:
        f.write("--- Breaks.\n-- @license MIT\n-- @api 1\n-- @usage spf -s broken\n-- @output\n"
                "function on_frame(f)\n  if then end\nend\n")
    refused(["-s", file, live.path("x.sock")], 2, "broken.lua:7")


def test_a_misspelt_callback_is_refused():
    file = live.path("callback.lua")
    with open(file, "w") as f:
        f.write("--- Misspelt.\n-- @license MIT\n-- @api 1\n-- @usage spf -s callback\n-- @output\n"
                "function on_fram(f) end\n")
    refused(["-s", file, live.path("x.sock")], 2, "on_fram")


def test_a_broken_filter_is_refused():
    refused(["-f", "type = 'DATA'", live.path("x.sock")], 2, "==")
    refused(["-f", "pth == '/'", live.path("x.sock")], 2, "pth")
    refused(["-f", "typ == 'DATA'", live.path("x.sock")], 2, "'type'")
    refused(["-f", "type ==", live.path("x.sock")], 2, "near '<eof>'")


def test_a_regular_file_is_no_socket():
    file = live.path("regular")
    open(file, "w").close()
    refused([file], 2, file, "socket")


def test_a_number_after_s_gives_a_hint():
    refused(["-s", "200", live.path("x.sock")], 2, "--snaplen")


def test_a_file_that_is_no_capture():
    refused(["-r", "/no/such/capture"], 2, "/no/such/capture")


def test_a_folder_or_a_device_is_no_script():
    for option in ("--check", "--info", "-s"):
        refused([option, "/etc"], 2, "/etc", "irectory" if option != "-s" else "folder")
        refused([option, "/dev/zero"], 2, "/dev/zero")


def test_a_file_that_is_in_use_is_not_emptied():
    capture, script, both = live.path("in_use.chunks"), live.path("in_use.lua"), live.path("both")
    shutil.copy(os.path.join(live.ROOT, "tests/golden/unread.chunks"), capture)
    with open(script, "w") as f:
        f.write("function on_frame(f) end\n")
    sizes = [os.path.getsize(f) for f in (capture, script)]
    refused(["-r", capture, "-w", capture], 2, capture)
    refused(["-r", capture, "-o", capture], 2, capture)
    refused(["-r", capture, "-s", script, "-o", script], 2, script)
    refused(["-r", capture, "-w", both, "-o", both], 2, both)
    for options, status in ((["-w", "-", "-o", both], 2), (["-o", "/dev/stdout"], 0)):
        with open(both, "w") as f:
            r = subprocess.run([live.SPF, "-r", capture, *options], stdout=f, stderr=subprocess.PIPE)
        assert r.returncode == status, (options, r.stderr)
    refused(["-w", capture, "/etc/passwd"], 2, "/etc/passwd")
    assert [os.path.getsize(f) for f in (capture, script)] == sizes


def test_a_command_that_cannot_run_empties_nothing():
    kept, source = live.path("kept"), os.path.join(live.ROOT, "tests/golden/shop.chunks")
    nobody = {} if os.getuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    for option in ("-o", "-w"):
        with open(kept, "w") as f:
            f.write("as it was")
        os.chmod(kept, 0o666)
        refused(["-r", source, option, kept, "-e", "count("], 2, "-e")
        refused(["-r", source, option, kept, "-F", "nosuch"], 2, "nosuch")
        refused([option, kept, live.path("x.sock")], 1, "root", **nobody)
        with open(kept) as f:
            assert f.read() == "as it was", option
        live.run(live.SPF, "-r", source, option, kept)
        with open(kept, "rb") as f:
            assert b"as it was" not in f.read(), option


def test_output_that_cannot_be_written_is_a_failure():
    capture = os.path.join(live.ROOT, "tests/golden/shop.chunks")
    for args in (["-r", capture], ["-r", capture, "-e", "count(type)"], ["-r", capture, "-w", "/dev/full", "-q"],
                 ["--help"], ["--version"], ["--list", "fields"]):
        with open("/dev/full", "w") as full:
            r = subprocess.run([live.SPF, *args], stdout=full, stderr=subprocess.PIPE, timeout=live.PATIENCE)
        err = r.stderr.decode()
        assert r.returncode == 1 and re.fullmatch(r"spf: cannot write the .*No space left on device\n", err), \
            f"{args}: {r.returncode}: {err}"


def test_a_capture_that_cannot_be_written_is_a_failure_though_the_reader_went_away():
    capture = os.path.join(live.ROOT, "tests/golden/shop.chunks")
    reader, writer = os.pipe()
    os.close(reader)
    r = subprocess.run([live.SPF, "-r", capture, "-e", "print(type)", "-w", "/dev/full"], stdout=writer,
                       stderr=subprocess.PIPE, timeout=live.PATIENCE)
    os.close(writer)
    assert r.returncode == 1 and b"cannot write the capture" in r.stderr, r


def test_without_root_it_says_so():
    if os.getuid() != 0:
        refused([live.path("x.sock")], 1, "root")
    else:
        refused([live.path("x.sock")], 1, "root", user=NOBODY, group=NOBODY, extra_groups=[])


def test_the_one_liners_of_the_readme_run():
    with open(os.path.join(live.ROOT, "README.md")) as f:
        text = f.read()
    lines = [c for row in re.findall(r"^\| [^|`]+ \| (.*) \|$", text, re.M)
             for c in re.findall(r"`spf ([^`]*)`", row)]
    assert len(lines) > 12, lines
    capture = os.path.join(live.ROOT, "tests/golden/flow.chunks")
    for line in lines:
        args = [a for a in shlex.split(line) if a not in ("/run/app.sock", "app.pcapng")]
        if "-w" in args:
            continue
        args = [a for a in args if a != "-r"] + ["--script-dir", os.path.join(live.ROOT, "scripts"), "-r", capture]
        r = live.run(live.SPF, *args, cwd=live.ROOT)
        assert r.returncode == 0, (line, r)  # loss may be told, an error may not


def test_scripts_of_a_folder_that_only_root_may_enter_are_listed():
    folder = live.path("private")
    os.makedirs(folder)
    with open(os.path.join(folder, "mine.lua"), "w") as f:
        f.write("--- Mine.\n-- @license MIT\n-- @api 1\n-- @usage spf -s mine\n-- @output\n--   x\n"
                "function on_frame(f) end\n")
    os.chmod(folder, 0o700)
    for args in (["--list", "scripts"], ["--info", "mine"], ["--check", "mine"]):
        r = live.run(live.SPF, "--script-dir", folder, *args)
        assert r.returncode == 0 and b"ine" in r.stdout, r


def test_watch_starts_again_when_a_script_or_its_module_changes():
    folder = live.path("watched")
    os.mkdir(folder)
    script, module = os.path.join(folder, "w.lua"), os.path.join(folder, "m.lua")
    capture = os.path.join(live.ROOT, "tests", "golden", "shop.chunks")

    def write(path, text):
        with open(path + ".new", "w") as f: # as editors do
            f.write(text)
        os.rename(path + ".new", path)

    def shown():
        with open(out) as f:
            return f.read()

    write(module, "return 'one'")
    write(script, "local m = require 'm' function on_end() print('first', m) end")
    out = live.path("watched.out")
    p = live.start(live.SPF, "--watch", "-r", capture, "-s", script, stdout=open(out, "wb"))
    live.until(lambda: "first\tone\n" in shown(), "the script has run")
    write(module, "return 'two'")
    live.until(lambda: "first\ttwo\n" in shown(), "its new module has run")
    write(script, "error(")
    write(script, "local m = require 'm' function on_end() print('second', m) end")
    live.until(lambda: "second\ttwo\n" in shown(), "the new script has run")
    p.send_signal(signal.SIGINT)
    assert p.wait(live.PATIENCE) == 0
    for wrong in ["-e", "1"], ["-s", script, "-w", "x"], ["-s", script, "-r", "-"]:
        r = live.run(live.SPF, "--watch", *wrong)
        assert r.returncode == 2 and b"--watch" in r.stderr, r
