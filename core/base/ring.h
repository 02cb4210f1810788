/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - single producer, single consumer, fixed number of fixed-size slots, no lock.
 *
 * A slot is filled in place and then pushed; read in place and then popped: nothing is copied
 * twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct ring;

/* slots must be a power of two. */
struct ring *ring_new(unsigned slots, size_t slot_size);
void ring_free(struct ring *r);

/* Producer: the next free slot, or NULL when full; then ring_push() publishes it. */
void *ring_room(struct ring *r);
void ring_push(struct ring *r);

/* Consumer: the oldest slot, or NULL when empty; then ring_pop() gives it back. */
void *ring_peek(struct ring *r);
void ring_pop(struct ring *r);

/* Any thread; a hint unless called by the consumer. */
bool ring_is_empty(const struct ring *r);
