"""Pack the targets of the net `beneath` into one small file for `train_gpu.py`.

    python scripts/pack_targets.py --data PACKED [--out runs/gpu/targets.zip] [--most 60]

PACKED holds `targets-*.npz` (`tonsure.lab.data.targets`). Some minutes on one core. The last line
says the file's size, how many windows it holds and how many found no room, and what the WebP costs
in levels of 0..255.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tonsure.lab.data import small


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/gpu/targets.zip"))
    parser.add_argument("--most", type=float, default=60.0, help="MB, of 10^6 bytes")
    parser.add_argument("--quality", type=int, default=80)
    args = parser.parse_args()
    told = small.write(args.data, args.out, most=int(args.most * 1e6), quality=args.quality)
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
