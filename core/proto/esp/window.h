/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - which sequence numbers of one security association have come: a ring of words, after
 * RFC 6479. A word is cleared when the top moves into it; nothing is ever shifted. With extended
 * sequence numbers the upper half, which is not on the wire, is found by RFC 4303, appendix A.
 */
#pragma once

#include "core/proto/esp/esp.h"

/* One word more than the window would do; a power of two makes the index a mask. */
enum { ESP_WINDOW_WORDS = 2 * ESP_WINDOW / 64 };

struct esp_window {
    uint64_t top; /* highest number that came and was right; 0: none */
    uint64_t seen[ESP_WINDOW_WORDS];
};

/* The whole number that low most likely stands for; 0 when it would be before the first. */
uint64_t esp_window_infer(const struct esp_window *w, uint32_t low);
/* Whether seq is right of the window, or in it and not there yet. 0 never is. */
bool esp_window_is_new(const struct esp_window *w, uint64_t seq);
/* After esp_window_is_new(), and only for what is genuine. */
void esp_window_take(struct esp_window *w, uint64_t seq);
