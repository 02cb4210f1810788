/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - one thread with its own loop: poller, mailbox, rings, timers, frame pool, scratch
 * memory.
 *
 * A turn: poll (with the timeout of the wheel, or zero when work is left) -> mailbox -> rings from
 * other workers -> ready descriptors -> due timers -> deferred calls -> quiescent point. The time
 * is read once a turn and handed down as now_us. A worker never blocks.
 *
 * Waking: a sleeping worker is signalled once, a busy one never. A consumer sets "asleep", looks
 * once more into its mailbox and rings, then polls; a producer pushes, then clears "asleep" by
 * exchange and writes the event descriptor only if it was set.
 *
 * Functions that take a worker are for that worker's own thread, unless they say otherwise.
 */
#pragma once

#include "core/base/frame.h"
#include "core/base/quiesce.h"
#include "core/base/timer.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;
struct worker_set;

enum { WORKER_MAX = 64, WORKER_SCRATCH = 512 * 1024 };

/* ---- the set; control thread ---- */

/* Makes and starts n workers (1 to WORKER_MAX). NULL and error when the system refuses. */
struct worker_set *worker_set_new(unsigned n, GError **error);
/* Stops and joins all, runs what was retired, frees everything. Nothing may be attached any more.
 */
void worker_set_free(struct worker_set *set);
unsigned worker_set_n(const struct worker_set *set);
struct worker *worker_set_get(struct worker_set *set, unsigned i);
struct quiesce *worker_set_quiesce(struct worker_set *set);
/* The worker with the least load; adds one to its load. Undo with worker_unload(). Any thread. */
struct worker *worker_set_pick(struct worker_set *set);
void worker_unload(struct worker *w);

/* ---- any thread ---- */

unsigned worker_index(const struct worker *w);
struct worker_set *worker_set_of(const struct worker *w);
/* The worker whose thread this is, or NULL on the control thread and helpers. */
struct worker *worker_current(void);
/* Runs fn(data) on w, soon, in the order of the calls from one thread. Never runs it inline. */
void worker_call(struct worker *w, void (*fn)(void *data), void *data);
/* As worker_call(), and waits for it. Control thread only, for starting and stopping things. */
void worker_call_sync(struct worker *w, void (*fn)(void *data), void *data);

/* ---- own thread ---- */

int64_t worker_now_us(const struct worker *w); /* the time of this turn */
struct frame_pool *worker_pool(struct worker *w);
struct timer_wheel *worker_timers(struct worker *w);

/* WORKER_SCRATCH bytes that are valid until the caller returns to the loop. RX belongs to whoever
 * reads a socket, TX to whoever fills one, WORK to a step in between; no function that holds one
 * calls another that uses the same. */
enum worker_scratch { WORKER_SCRATCH_RX, WORKER_SCRATCH_TX, WORKER_SCRATCH_WORK, WORKER_N_SCRATCH };
uint8_t *worker_scratch(struct worker *w, enum worker_scratch which);

enum { WORKER_READ = 1, WORKER_WRITE = 2, WORKER_HANGUP = 4 };

/* A descriptor that a worker watches, level-triggered. Embedded in its owner, who keeps the fd. */
struct worker_fd {
    int fd;
    unsigned want; /* WORKER_READ | WORKER_WRITE; a hang-up is always told */
    void (*ready)(struct worker_fd *wfd, unsigned events, int64_t now_us);
};

/* False when the system refuses (out of memory or watches). */
bool worker_fd_add(struct worker *w, struct worker_fd *wfd);
void worker_fd_want(struct worker *w, struct worker_fd *wfd, unsigned want);
/* After this no event is delivered any more, not even one that is already in hand in this turn. The
 * struct may be freed. */
void worker_fd_remove(struct worker *w, struct worker_fd *wfd);

/* A call at the end of this turn, after all events. Embedded; arming twice is once. For ending
 * things from inside their own callbacks and for flushing once a turn. */
struct worker_deferred {
    struct worker_deferred *next;
    bool queued;
    void (*fn)(struct worker_deferred *d, int64_t now_us);
};
void worker_defer(struct worker *w, struct worker_deferred *d);
void worker_defer_cancel(struct worker *w, struct worker_deferred *d);
