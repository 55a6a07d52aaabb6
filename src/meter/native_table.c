#include "meter/native_table.h"

bool native_table_add(uint64_t *words, uint32_t slots, uint32_t *used, uint32_t code,
                      uint64_t amount)
{
    bool found;
    uint32_t slot = native_table_slot(words, slots, code, &found);
    if (!found) {
        if (*used >= slots - slots / 8) {
            return false;
        }
        /* The count was zeroed before; a reader that sees the code sees a count of this bucket. */
        uint64_t codes = cell_load(&words[slot / 2]) | (uint64_t)code << (slot % 2 * 32);
        __atomic_store_n(&words[slot / 2], codes, __ATOMIC_RELEASE);
        (*used)++;
    }
    cell_add(native_table_count(words, slots, slot), amount);
    return true;
}

void native_table_clear(uint64_t *words, uint32_t slots)
{
    for (uint32_t i = 0; i < native_table_words(slots); i++) {
        cell_store(&words[i], 0);
    }
}
