/* SPDX-License-Identifier: Apache-2.0 */
/* window.c - see window.h. */

#include "core/proto/esp/window.h"

#include <string.h>

uint64_t
esp_window_infer(const struct esp_window *w, uint32_t low)
{
    uint32_t top_low = (uint32_t)w->top;
    uint64_t high = w->top >> 32;
    uint32_t bottom = top_low - (ESP_WINDOW - 1); /* wraps as the window does */

    if (top_low >= ESP_WINDOW - 1) { /* the window lies within one run of the lower half */
        if (low < bottom)
            high++;
    } else if (low >= bottom) { /* its lower end is in the run before */
        if (high == 0)
            return 0;
        high--;
    }
    return high > UINT32_MAX ? 0 : high << 32 | low;
}

bool
esp_window_is_new(const struct esp_window *w, uint64_t seq)
{
    if (seq == 0)
        return false;
    if (seq > w->top)
        return true;
    if (w->top - seq >= ESP_WINDOW)
        return false;
    return (w->seen[seq / 64 % ESP_WINDOW_WORDS] >> (seq % 64) & 1) == 0;
}

void
esp_window_take(struct esp_window *w, uint64_t seq)
{
    if (seq > w->top) {
        uint64_t from = w->top / 64;
        uint64_t words = seq / 64 - from;
        if (words >= ESP_WINDOW_WORDS)
            memset(w->seen, 0, sizeof(w->seen));
        else
            for (uint64_t i = 1; i <= words; i++)
                w->seen[(from + i) % ESP_WINDOW_WORDS] = 0;
        w->top = seq;
    }
    w->seen[seq / 64 % ESP_WINDOW_WORDS] |= UINT64_C(1) << seq % 64;
}
