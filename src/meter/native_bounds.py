#!/usr/bin/python3
"""Prints native_bounds.h: the fractions of 2^(i/256), i = 0..255, correctly rounded."""

from decimal import Decimal, getcontext

getcontext().prec = 60
print("/* Made by native_bounds.py: change that. */")
print("#pragma once\n\n#include <stdint.h>\n")
print("/* The 52 fraction bits of 2^(i/256): bucket bounds within a power of two at schema 8; those of")
print(" * schema n are every 2^(8-n)th. */")
print("/* clang-format off */")
print("static const uint64_t native_bounds[256] = {")
for i in range(256):
    value = Decimal(2) ** (Decimal(i) / 256)
    fraction = int((value * 2**52).to_integral_value()) - 2**52
    print(f"    0x{fraction:013x}," if i % 4 == 0 else f" 0x{fraction:013x},", end="\n" if i % 4 == 3 else "")
print("};\n/* clang-format on */")
