/* SPDX-License-Identifier: Apache-2.0 */
/* quiesce.h - when may memory that readers could still hold be freed?
 *
 * Readers (the workers) follow published pointers without a lock, and say at the end of each turn
 * that they hold none (quiesce_pass), and before they sleep that they will hold none until they
 * come back (quiesce_offline, quiesce_online). What was unpublished and retired is freed once every
 * reader has passed or slept since. A reader must not keep such a pointer across turns.
 */
#pragma once

#include <stdbool.h>

struct quiesce;

struct quiesce *quiesce_new(unsigned readers);
/* Frees what is still retired, then itself; no reader may be online. */
void quiesce_free(struct quiesce *q);

/* All three: only the reader itself. Readers start offline. */
void quiesce_online(struct quiesce *q, unsigned reader);
void quiesce_offline(struct quiesce *q, unsigned reader);
void quiesce_pass(struct quiesce *q, unsigned reader);

/* Any thread. fn(data) runs later, on whatever thread reaps; it must be short and take no lock that
 * is held around a call in here. */
void quiesce_retire(struct quiesce *q, void (*fn)(void *data), void *data);
/* Runs what is ripe. Cheap when nothing is retired. Called by workers at the end of their turns. */
void quiesce_reap(struct quiesce *q);
