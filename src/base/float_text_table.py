#!/usr/bin/python3
"""Prints float_text_table.h: g(k) = floor(10^k * 2^-r(k)) + 1, 126 bits each, for Schubfach."""

MIN_K, MAX_K = -292, 324

print("/* Made by float_text_table.py: change that. */")
print("#pragma once\n\n#include <stdint.h>\n")
print(f"#define FLOAT_TEXT_MIN_POWER ({MIN_K})\n#define FLOAT_TEXT_MAX_POWER {MAX_K}\n")
print("/* The powers of ten as floor(10^k * 2^-r) + 1 with 126 bits: high and low halves. */")
print("/* clang-format off */")
print("static const uint64_t float_text_powers[][2] = {")
for k in range(MIN_K, MAX_K + 1):
    # r so that 2^125 <= 10^k * 2^-r < 2^126
    if k >= 0:
        power = 10**k
        r = power.bit_length() - 126
        g = (power >> r if r >= 0 else power << -r) + 1
    else:
        ten = 10**-k
        shift = ten.bit_length() + 125
        g = (1 << shift) // ten
        if g.bit_length() < 126:
            g = (1 << (shift + 1)) // ten
        assert g.bit_length() == 126
        g += 1
    high, low = g >> 63, g & ((1 << 63) - 1)
    end = "\n" if (k - MIN_K) % 2 else " "
    print(f"    {{0x{high:016x}, 0x{low:016x}}},", end=end)
print("\n};\n/* clang-format on */")
