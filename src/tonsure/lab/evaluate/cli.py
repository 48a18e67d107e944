"""`tonsure lab evaluate`: photos of a folder, or people to the waist."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tonsure.cli.console import ending, say

Out = Annotated[
    Path, typer.Option("-o", "--out", help="Folder for reports and sheets; the sheets show people.")
]
Threads = Annotated[int | None, typer.Option(help="Processor threads of the networks.")]
Debug = Annotated[bool, typer.Option(hidden=True)]


class _Group(TyperGroup):
    """A group where anything but the name of a further verb is what the first one takes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in ("wide", "attributes"):
            args = ["photos", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    cls=_Group,
    help="Measure an editor on a folder of photos, or on people to the waist.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    pass


@app.command()
def photos(
    photos: Annotated[Path, typer.Argument(help="A folder of photos.")],
    out: Out,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="tonsure, telea or unchanged; may be given several times."
        ),
    ] = None,
    attributes: Annotated[
        Path | None, typer.Option(help="File with labels, like CelebA's list_attr_celeba.txt.")
    ] = None,
    partition: Annotated[
        Path | None, typer.Option(help="File with parts, like CelebA's list_eval_partition.txt.")
    ] = None,
    part: Annotated[int, typer.Option(help="The part to use: 0 train, 1 val, 2 test.")] = 1,
    having: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="LABEL", help="Only photos with this label."),
    ] = None,
    lacking: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="LABEL", help="Only photos without this label."),
    ] = None,
    count: Annotated[int | None, typer.Option(help="Draw this many photos; default: all.")] = None,
    even: Annotated[
        str | None, typer.Option(help="A label that half of the drawn photos shall have: Male.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    identity: Annotated[
        Path | None, typer.Option(help="The identity network, if it is not in the cache.")
    ] = None,
    no_identity: Annotated[bool, typer.Option(help="Leave the identity distance out.")] = False,
    threads: Threads = None,
    debug: Debug = False,
) -> None:
    """Measure an editor on a folder of photos (on people to the waist: `evaluate wide`); see
    docs/evaluation.md."""
    with ending(debug):
        from tonsure.lab.evaluate import command

        command.run(
            command.Choice(
                photos, attributes, partition, part, having or [], lacking or [], count, even, seed
            ),
            method or ["tonsure"],
            out,
            identity=identity,
            with_identity=not no_identity,
            threads=threads,
            tell=say,
        )


@app.command()
def wide(
    data: Annotated[Path, typer.Option(help="The folder that holds wide/ and teacher/.")],
    out: Out,
    cases: Annotated[int, typer.Option(help="How many made cases, at most.")] = 72,
    seed: Annotated[int, typer.Option(help="Seed of their draw.")] = 0,
    made: Annotated[
        Path | None, typer.Option(help="Take the made cases of this earlier output folder.")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Earlier results to measure as well; may be given several times."),
    ] = None,
    sheets: Annotated[bool, typer.Option("--sheets", help="Also write contact sheets.")] = False,
    no_features: Annotated[
        bool, typer.Option("--no-features", help="Leave the distance in features out.")
    ] = False,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="Measure the tool alone, without Telea and doing nothing."),
    ] = False,
    no_real: Annotated[bool, typer.Option("--no-real", help="Measure made cases only.")] = False,
    threads: Threads = None,
    debug: Debug = False,
) -> None:
    """People to the waist: made cases with truth, hair left, whole pictures."""
    with ending(debug):
        from tonsure.lab.evaluate.wide import command

        plan = command.Plan(
            data,
            out,
            cases,
            seed,
            tuple(against or ()),
            made,
            not no_real,
            sheets,
            not no_features,
            not alone,
            threads,
        )
        command.run(plan, say)


@app.command()
def attributes(
    images: Annotated[Path, typer.Argument(help="A folder of CelebA's aligned pictures.")],
    labels: Annotated[Path, typer.Option(help="Their labels, as CelebA's list_attr_celeba.txt.")],
    out: Out,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A generator, by name or file; may be given several times."
        ),
    ] = None,
    degree: Annotated[
        list[float] | None, typer.Option(metavar="D", help="Magnitudes; beyond 1 generators alone.")
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Of the thirteen; default: all of them."),
    ] = None,
    count: Annotated[int, typer.Option(help="So many pictures, spread over the folder.")] = 40,
    threads: Threads = None,
    debug: Debug = False,
) -> None:
    """The edits of `tonsure edit` by the judge, beside generators on the same pictures."""
    with ending(debug):
        import json

        from tonsure.attributes import STANDARD
        from tonsure.errors import ModelMissing
        from tonsure.lab.evaluate import attributes as edited
        from tonsure.lab.evaluate.wide import features
        from tonsure.lab.likeness import Looks

        looks: dict[str, Looks] | None = {}
        try:
            features.check()
        except ModelMissing as error:
            looks = None
            say(f"No FID and KID: {error}")
        found = edited.figures(
            images, labels, beside=beside or [], degrees=degree or [1.0], count=count,
            attributes=attribute or STANDARD, threads=threads, tell=say, looks=looks,
        )  # fmt: skip
        out.mkdir(parents=True, exist_ok=True)
        told = json.dumps(edited.plain(found, looks), indent=1)
        (out / "attributes.json").write_text(told, encoding="utf-8")
        (out / "attributes.md").write_text(edited.markdown(found, looks), encoding="utf-8")
        print(edited.markdown(found, looks))
        for method, share in edited.overall(found).items():
            print(f"{method}: turned {share['mean']:.1%} on average, {share['least']:.1%} at least")
