/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - a ring of records of different length: one producer, one consumer, no lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane;

/* bytes: a power of two. */
struct lane *lane_new(size_t bytes);
void lane_free(struct lane *l);

/* Producer: room for len bytes, aligned to 8, or NULL when it is full. lane_push() publishes it. */
void *lane_room(struct lane *l, size_t len);
void lane_push(struct lane *l);

/* Consumer: the oldest record, or NULL. lane_pop() gives its room back. */
void *lane_peek(struct lane *l, size_t *len);
void lane_pop(struct lane *l);
bool lane_is_empty(const struct lane *l); /* any thread; a hint but for the consumer */
