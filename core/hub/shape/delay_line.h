/* SPDX-License-Identifier: Apache-2.0 */
/* delay_line.h - frames that wait for a time of their own: a slow, uneven or lossy way, made on
 * purpose.
 *
 * Frames come out in the order of their times, and those of the same time in the order in which
 * they went in. Bounded in frames and bytes. Time and chance come as parameters. One thread.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/types.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DELAY_LINE_FRAMES = 4096,
    DELAY_LINE_BYTES = 8 * 1024 * 1024,
    DELAY_MAX_MS = 10000,
};

/* What happens to a frame. */
struct impairment {
    uint16_t delay_ms;
    uint8_t jitter_percent; /* of the delay, more or less */
    uint8_t loss_percent;
};

/* Whether chance wants the frame lost, and how long it waits else. random is evenly distributed;
 * another one for each call. */
bool impairment_loses(const struct impairment *i, uint32_t random);
int64_t impairment_wait_us(const struct impairment *i, uint32_t random);

struct delay_line;

struct delay_line *delay_line_new(void);
/* Frees what waits. NULL is fine. */
void delay_line_free(struct delay_line *d);
unsigned delay_line_held(const struct delay_line *d);

/* Takes the frame, or frees it and says why. */
enum drop delay_line_push(struct delay_line *d, struct frame *f, int64_t due_us) MUST_CHECK;
/* Adds to the batch what is due, until it is full: then call again. */
void delay_line_pull(struct delay_line *d, struct batch *out, int64_t now_us);
/* When the next is due; INT64_MAX when none waits. */
int64_t delay_line_due_us(const struct delay_line *d);
