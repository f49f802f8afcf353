#!/usr/bin/env python3
"""Writes what each function is made of, as CycloneDX: sbom.py CARGO_CYCLONEDX TARGET FUNCTION...

`cargo cyclonedx` goes by `cargo metadata`, which names optional crates that are not linked (ring, among others): only what
`cargo tree` names for the function alone is kept.
"""
import json
import pathlib
import subprocess
import sys


def crates(function: str, target: str) -> set[tuple[str, str]]:
    command = ["cargo", "tree", "--locked", "--package", function, "--target", target, "--edges", "normal", "--prefix", "none"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {(name, version.lstrip("v")) for name, version in (line.split()[:2] for line in lines)}


def main() -> None:
    cyclonedx, target, *functions = sys.argv[1:]
    out = pathlib.Path("target/sbom")
    out.mkdir(parents=True, exist_ok=True)
    written = ["--format", "json", "--spec-version", "1.5", "--target", target, "--no-build-deps"]
    subprocess.run([cyclonedx, "cyclonedx", "--quiet", *written], check=True)
    for function in functions:
        bom = json.loads(pathlib.Path(f"functions/{function}/{function}.cdx.json").read_text())
        linked = crates(function, target)
        bom["components"] = [part for part in bom["components"] if (part["name"], part["version"]) in linked]
        kept = {part["bom-ref"] for part in bom["components"]} | {bom["metadata"]["component"]["bom-ref"]}
        bom["dependencies"] = [
            {**edge, "dependsOn": [part for part in edge.get("dependsOn", []) if part in kept]}
            for edge in bom["dependencies"]
            if edge["ref"] in kept
        ]
        missing = linked - {(part["name"], part["version"]) for part in bom["components"]}
        if {name for name, _ in missing} != {function}:
            sys.exit(f"{function}: cargo cyclonedx does not name {missing}")
        (out / f"{function}.cdx.json").write_text(json.dumps(bom, indent=1) + "\n")
        print(f"target/sbom/{function}.cdx.json: {len(bom['components'])} crates")


try:
    main()
finally:
    # It writes beside every manifest of the workspace.
    for file in [*pathlib.Path().glob("*/*.cdx.json"), *pathlib.Path().glob("*/*/*.cdx.json")]:
        if file.parts[0] != "target":
            file.unlink()
