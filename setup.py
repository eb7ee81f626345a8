"""Maps the project's folders to the names they are imported by; builds the native extensions."""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

# Run, not imported: importing it would import the package whose extensions are still to be built.
extensions = runpy.run_path("nus_native/extensions.py")["extensions"]

FOLDERS = {"roadseg": "research"}
FOLDERS |= {
    f"roadseg.{folder}": folder
    for folder in ("nus_native", "data_conversion", "train", "eval", "export")
}
PACKAGES = dict(FOLDERS)
for name, folder in FOLDERS.items():
    for inner in find_packages(folder):
        PACKAGES[f"{name}.{inner}"] = f"{folder}/{inner.replace('.', '/')}"

setup(
    name="roadseg",
    version="0.2.0",
    description="Fast road-scene segmentation in TensorFlow and Keras 3, with learned downsampling",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    author="The roadseg authors",
    maintainer="The roadseg authors",
    project_urls={
        "Original of the learned sampling": "https://github.com/dmitrii-marin/adaptive-sampling",
        "Original of the networks (Fast_Seg)": "https://github.com/lxtGH/Fast_Seg",
        "Original of the networks (SFSegNets)": "https://github.com/lxtGH/SFSegNets",
    },
    keywords=[
        "semantic segmentation",
        "real-time segmentation",
        "road scenes",
        "autonomous driving",
        "learned downsampling",
        "keras",
        "tensorflow",
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: C++",
        "Programming Language :: Cython",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    packages=list(PACKAGES),
    package_dir=PACKAGES,
    package_data={
        "": ["py.typed", "*.pyi", "*.sh", "*.npz", "*.ttf", "*.LICENSE"],
        "roadseg.train.launch": ["*.yaml"],
        "roadseg.two_cameras": ["rigs/*.yaml"],
        "roadseg.weights": ["shipped/*.npz"],
        "roadseg.eval.page": ["static/*"],
    },
    ext_modules=extensions(),
    install_requires=[
        "tensorflow>=2.21",
        "keras>=3.15",
        "tensorflow-datasets>=4.9.10",
        "importlib_resources>=6",
        "tensorboard>=2.20",
        "numpy>=2.0",
        "scipy>=1.14",
        "opencv-python-headless>=4.10",
        # Inflates PNGs in half of zlib's time; where it has no wheel, zlib takes its place.
        "isal>=1.7; platform_machine in 'x86_64 AMD64 aarch64 arm64'",
        "pyceres>=2.6",
        "PyYAML>=6",
        "tyro>=1.0",
        "rich>=14",
        "pillow>=11",
    ],
    extras_require={
        "dev": [
            "cityscapesScripts>=2.2",
            "hypothesis>=6.130",
            "matplotlib>=3.10",
            "mypy>=1.15",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.9",
            "starlette>=1.0",
            "types-PyYAML",
            "uvicorn>=0.35",
        ],
        "docs": ["sphinx>=8", "myst-parser>=4", "furo>=2024.8"],
        "page": ["starlette>=1.0", "uvicorn>=0.35"],
        "jax": ["jax>=0.6"],
        "beam": ["apache-beam>=2.77"],
        # Before 2.6 a crafted checkpoint could run code in spite of weights_only (CVE-2025-32434).
        "torch": ["torch>=2.6"],
        "onnx": ["onnx>=1.18", "onnxruntime>=1.20", "tf2onnx>=1.17"],
        "litert": ["ai-edge-litert>=2.0"],
        "openvino": ["openvino>=2025.0", "onnx>=1.18"],
        "openvino-int8": ["openvino>=2026.0", "onnx>=1.18", "nncf>=3.0"],
        "cuda": ["tensorflow[and-cuda]>=2.21"],
    },
    entry_points={"console_scripts": ["roadseg = roadseg.cli:main"]},
)
