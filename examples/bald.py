"""The notebook, once for both languages: `scripts/make_notebooks.py` makes the .ipynb files of it.

A cell begins with `# %%`; those of words are comments, in English (`en`) and in Chinese (`zh`).
"""

# %% en
# # See yourself bald
#
# A notebook of 2020 asked what one looks like with a receding hairline. Its author trained
# STGAN for 18 hours, cut photos by hand, wrote their labels into a list by hand, and got a
# strip of pictures of 128 pixels. This is the same on today's tool: any photo, any size, no
# labels.
#
# The photo below ships with the package (the astronaut Eileen Collins; NASA, public domain).
# Put the path of your own in its place.

# %% zh
# # 看看自己光头的样子
#
# 2020 年有一本笔记想知道发际线后移是什么样子。作者把 STGAN 训练了 18 个小时，手工裁照片、手工写标签，得到一排 128 像素的小图。这里用今天的工具把它重做一遍：任意照片，任意尺寸，不用标签。
#
# 下面的照片是安装包自带的（宇航员 Eileen Collins；NASA，公有领域）。换成你自己照片的路径就行。

# %%
import tempfile
from pathlib import Path

from PIL import Image, ImageEnhance

import tonsure
from tonsure.examples import ASTRONAUT

photo = ASTRONAUT
out = Path(tempfile.mkdtemp())
result = tonsure.bald(photo)
result

# %% en
# The result is the same photo, as large, in the same format, and unchanged wherever no hair
# was. What there is to know about it is in its report.

# %% zh
# 结果还是那张照片：尺寸和格式不变，没有头发的地方一点没动。关于它的一切都在报告里。

# %%
report = result.report
print(result)
print({key: report[key] for key in ("faces", "warnings")})

# %% en
# ## The growing strip
#
# The picture for which the notebook was written: one degree after the other. The networks run
# once, when the photo is opened; every degree after that is a blend. Above the hairline
# recedes, below the hair thins out.

# %% zh
# ## 渐变长条图
#
# 当年的笔记就是为了这张图：程度一步步加深。打开照片时网络只跑一次，之后每个程度都只是混合。上面一排发际线后移，下面一排头发变稀。

# %%
from tonsure.steps import plan, write


def below(*paths):
    """Pictures below each other."""
    images = [Image.open(path).convert("RGB") for path in paths]
    size = (max(i.width for i in images), sum(i.height for i in images))
    sheet = Image.new("RGB", size, "white")
    top = 0
    for image in images:
        sheet.paste(image, (0, top))
        top += image.height
    return sheet


portrait = out / "portrait.png"
Image.open(photo).crop((75, 0, 375, 300)).save(portrait)
with tonsure.Editor().open(portrait) as shot:
    for style in ("recede", "thin"):
        steps = plan(out / f"{style}.png", 6, size=150, captions=True)
        write(shot, steps, style=style)
below(out / "recede.png", out / "thin.png")

# %% en
# ## The 14 tiles
#
# The original beside each of STGAN's 13 attributes, each switched to what the face has not;
# the number is the difference d, 1 is what training showed. This STGAN is a small one of 64
# pixels that ships with the package: it shows the method of 2019 and is not what made the
# picture above.

# %% zh
# ## 14 张图
#
# 原图，加上 STGAN 的 13 个属性，每个都换成这张脸没有的样子；数字是差值 d，1 就是训练时见过的强度。这个 STGAN 是安装包自带的 64 像素小模型：它展示 2019 年的方法，上面的光头不是它做的。

# %%
from tonsure.steps import sweep

editor = tonsure.Editor(model="stgan_celeba")
with editor.open(portrait) as shot:
    tiles = sweep.edits(shot, editor.generator.names, 1.0, "largest")
    sweep.write(tiles[:7], out / "tiles-1.png", size=150)
    sweep.write(tiles[7:], out / "tiles-2.png", size=150)
below(out / "tiles-1.png", out / "tiles-2.png")

# %% en
# ## Three systems
#
# The same edits by STGAN, AttGAN and StarGAN, row by row, all trained by this project's
# laboratory for at most two and a half hours on one core.

# %% zh
# ## 三个系统
#
# 同样的编辑，依次是 STGAN、AttGAN、StarGAN，每个系统一排；都由本项目的实验室训练，单核不超过两个半小时。

# %%
wanted = ("Bald", "Blond_Hair", "Eyeglasses", "Mustache", "Young")
for name in ("stgan", "attgan", "stargan"):
    other = tonsure.Editor(model=f"{name}_celeba")
    with other.open(portrait) as shot:
        tiles = sweep.edits(shot, other.generator.names, 1.0, "largest")
        row = [t for t in tiles if t.told.get("attribute") in (None, *wanted)]
        sweep.write(row, out / f"{name}.png", size=150)
below(*(out / f"{name}.png" for name in ("stgan", "attgan", "stargan")))

# %% en
# ## A training of one's own
#
# In 2020 this took a GPU and 18 hours. Here it takes some twenty seconds, on pictures that the
# package makes itself: the astronaut with and without hair, in 48 slightly different photos.
# One person is no data set, and a network of 32 pixels after 300 steps is hardly one either: the
# outline of a bald head begins to show among noise. But every step of a real training is there;
# with CelebA and the preset as it is the same lines train a real one.

# %% zh
# ## 自己训练
#
# 2020 年这需要一块显卡和 18 个小时。这里只要二十来秒，数据由安装包自己做：有头发和没头发的宇航员，48 张略有不同的照片。只有一个人算不上数据集，32 像素、300 步的网络也几乎算不上网络：噪点里刚刚显出光头的轮廓。但真正训练的每一步都在；换成 CelebA 和原样的预设，同样几行就能训练真正的模型。

# %%
import csv

import numpy as np

from tonsure import faces
from tonsure.lab import release, training

folder = out / "own"
folder.mkdir()
random = np.random.default_rng(0)
rows = []
with tonsure.Editor().open(portrait) as shot:
    frame = faces.Frame.of(shot.faces[0])
    both = {-1: shot.photo.pixels, 1: shot.bald().photo.pixels}
for k in range(48):
    bald = 1 if k % 2 else -1
    image = Image.fromarray(frame.cut(both[bald]))  # aligned as CelebA's pictures are
    image = image.rotate(random.uniform(-4, 4), Image.Resampling.BICUBIC)
    ImageEnhance.Brightness(image).enhance(random.uniform(0.8, 1.2)).save(folder / f"{k:02d}.png")
    rows.append([f"{k:02d}.png", bald])
with open(folder / "labels.csv", "w", newline="") as file:
    csv.writer(file).writerows([["file", "Bald"], *rows])

small = [
    'network.attributes=["Bald"]',
    "network.height=32",
    "network.width=32",
    "network.base=8",
    "network.widest=64",
    "network.critic_base=8",
    "network.critic_widest=64",
    "network.hidden=32",
    "data.crop=whole",
    "data.split=all",
    "train.batch=8",
    "train.steps=300",
    "train.rate=1e-3",
    "train.critic_rate=1e-3",
    "train.average=0.95",
    "train.log_every=100",
    "train.sample_every=1000",
    "train.save_every=1000",
]
training.run("stgan-cpu", small, folder, out / "run", quiet=True)
own = out / "stgan_celeba.onnx"
release.write(out / "run", own)
print((out / "run" / "log.jsonl").read_text().splitlines()[-1])

# %% en
# ## Own model beside the shipped ones
#
# From the left: the photo, the model of the cell above, the shipped STGAN, and the networks
# that `tonsure.bald` uses, which were made for this one task.

# %% zh
# ## 自己的模型和自带的放在一起
#
# 从左到右：原图、上一格训练的模型、自带的 STGAN、`tonsure.bald` 用的网络（专为这一件事做的）。

# %%
images = [Image.open(portrait).convert("RGB")]
for model in (own, "stgan_celeba", None):
    images.append(tonsure.Editor(model=model).open(portrait).bald().image)
sheet = Image.new("RGB", (4 * 220, 220), "white")
for k, image in enumerate(images):
    sheet.paste(image.convert("RGB").resize((216, 216)), (220 * k, 0))
sheet

# %% en
# ## The one-liner
#
# PaddleHub's call, with which the notebook of 2020 ended. It still works, without PaddleHub,
# and on any photo.

# %% zh
# ## 一行调用
#
# 2020 年的笔记以 PaddleHub 的这个调用结尾。现在不装 PaddleHub 也能用，而且什么照片都行。

# %%
import tonsure.hub as hub

stgan = hub.Module(name="stgan_celeba")
told = stgan.generate(
    data={"image": [str(portrait)], "style": ["Bald"], "info": ["Female,Brown_Hair"]},
    output_dir=out,
)
print(told[0].split(":")[0])
sorted(path.name for path in out.glob("Bald_*"))

# %% en
# ## What has changed since 2020
#
# | | 2020 | now |
# |---|---|---|
# | photo | cut by hand, near 128 or 178 pixels | any, faces are found |
# | labels | written by hand for each photo | none |
# | result | a square of 128 pixels | the photo itself, at its own size |
# | degrees | a loop over the strength of Bald; a smaller one looked truer | 0 to 1, monotone, in two styles |
# | long hair | worst of all | 52 of 100 believable, 11 failed |
# | hardware | a GPU, 18 hours of training | a processor, two seconds, nothing to train |
# | made by | STGAN alone | networks for hair, for what lies beneath it, and for the bald head; STGAN as a laboratory |
#
# How that works: `docs/how_it_works.md`. How it was measured: `docs/evaluation.md`.

# %% zh
# ## 2020 年以来的变化
#
# | | 2020 | 现在 |
# |---|---|---|
# | 照片 | 手工裁剪，128 或 178 像素左右 | 任意照片，自动找脸 |
# | 标签 | 每张照片手写 | 不需要 |
# | 结果 | 128 像素的方图 | 原照片，原尺寸 |
# | 程度 | 逐步加大 Bald 的强度；强度小些反而更真 | 0 到 1，单调，两种方式 |
# | 长发 | 效果最差 | 100 张里 52 张可信，11 张失败 |
# | 硬件 | 显卡，训练 18 小时 | 普通处理器，两秒，不用训练 |
# | 怎么做的 | 只靠 STGAN | 分别有网络负责头发、头发下面的东西和光头；STGAN 留在实验室里 |
#
# 原理见 `docs/how_it_works.md`，评测见 `docs/evaluation.md`（英文）。
