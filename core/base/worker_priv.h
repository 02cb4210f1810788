/* SPDX-License-Identifier: Apache-2.0 */
/* worker_priv.h - what tube.c must know of a worker; for this folder only. */
#pragma once

#include "core/base/batch.h"
#include "core/base/ring.h"
#include "core/base/tube.h"
#include "core/base/worker.h"

enum { WORKER_RING_SLOTS = 128 };

/* One batch on its way between workers. */
struct worker_slot {
    struct tube *target; /* referenced */
    struct batch batch;
};

/* The ring that the current worker fills and w empties. */
struct ring *worker_ring_to(struct worker *w);
/* Something was put where w looks: wake it if it sleeps. Any thread. */
void worker_wake(struct worker *w);
