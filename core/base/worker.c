/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - see worker.h. */

#include "core/base/worker.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/types.h"
#include "core/base/worker_priv.h"
#include "platform/platform.h"

#include <stdatomic.h>

enum {
    EVENTS = 256,     /* descriptors looked at in a turn */
    RING_BUDGET = 32, /* batches taken from one other worker in a turn */
    DEFERRED_BUDGET = 4096,
    LARGE_FRAMES = 1024, /* of a worker: 64 MiB if all were full */
    SLEEP_MAX_US = 1000 * 1000,
    TRIM_US = 1000 * 1000,
    DRAIN_ROUNDS = 1000, /* at the end; who asks for more for ever is not waited for */
};

struct message {
    void (*fn)(void *data);
    void *data;
};

struct worker {
    struct worker_set *set;
    unsigned index;
    GThread *thread;
    struct pf_poller *poller;
    int wake_fd;
    atomic_bool asleep;
    atomic_uint load;

    GMutex lock;     /* guards mail, for two lines */
    GArray *mail;    /* of struct message: what others put in */
    GArray *reading; /* the worker's own: swapped with mail */
    atomic_bool has_mail;
    struct ring *from[WORKER_MAX]; /* owned; filled by the worker of that index */

    struct timer_wheel timers;
    struct timer trim;
    struct frame_pool *pool;
    uint8_t *scratch[WORKER_N_SCRATCH];
    bool scratch_used[WORKER_N_SCRATCH]; /* since the last trim */
    struct worker_deferred *deferred, **deferred_end;
    struct pf_event event[EVENTS];
    unsigned event_at, events;
    int64_t now_us;
    bool stop;
};

struct worker_set {
    unsigned n;
    struct quiesce *quiesce;
    struct worker *worker[WORKER_MAX];
};

static _Thread_local struct worker *current;

/* ---- any thread ---- */

unsigned
worker_index(const struct worker *w)
{
    return w->index;
}

struct worker_set *
worker_set_of(const struct worker *w)
{
    return w->set;
}

struct worker *
worker_current(void)
{
    return current;
}

void
worker_wake(struct worker *w)
{
    /* The push before and this look must not change places: see sleep_until_work(). */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&w->asleep, memory_order_relaxed) &&
        atomic_exchange(&w->asleep, false))
        pf_wake_signal(w->wake_fd);
}

void
worker_call(struct worker *w, void (*fn)(void *data), void *data)
{
    struct message m = {.fn = fn, .data = data};

    g_mutex_lock(&w->lock);
    g_array_append_val(w->mail, m);
    atomic_store_explicit(&w->has_mail, true, memory_order_relaxed);
    g_mutex_unlock(&w->lock);
    worker_wake(w);
}

struct sync_call {
    void (*fn)(void *data);
    void *data;
    GMutex lock;
    GCond cond;
    bool done;
};

static void
run_sync(void *data)
{
    struct sync_call *c = data;

    c->fn(c->data);
    g_mutex_lock(&c->lock);
    c->done = true;
    g_cond_signal(&c->cond);
    g_mutex_unlock(&c->lock);
}

void
worker_call_sync(struct worker *w, void (*fn)(void *data), void *data)
{
    struct sync_call c = {.fn = fn, .data = data};

    g_assert(!current);
    g_mutex_init(&c.lock);
    g_cond_init(&c.cond);
    worker_call(w, run_sync, &c);
    g_mutex_lock(&c.lock);
    while (!c.done)
        g_cond_wait(&c.cond, &c.lock);
    g_mutex_unlock(&c.lock);
    g_cond_clear(&c.cond);
    g_mutex_clear(&c.lock);
}

struct worker *
worker_set_pick(struct worker_set *set)
{
    struct worker *best = set->worker[0];

    for (unsigned i = 1; i < set->n; i++) {
        if (atomic_load(&set->worker[i]->load) < atomic_load(&best->load))
            best = set->worker[i];
    }
    atomic_fetch_add(&best->load, 1);
    return best;
}

void
worker_unload(struct worker *w)
{
    atomic_fetch_sub(&w->load, 1);
}

/* ---- own thread ---- */

int64_t
worker_now_us(const struct worker *w)
{
    return w->now_us;
}

struct frame_pool *
worker_pool(struct worker *w)
{
    return w->pool;
}

struct timer_wheel *
worker_timers(struct worker *w)
{
    return &w->timers;
}

uint8_t *
worker_scratch(struct worker *w, enum worker_scratch which)
{
    /* So large that it comes from the system by itself, and only the pages that are used are there.
     */
    if (!w->scratch[which])
        w->scratch[which] = g_malloc(WORKER_SCRATCH);
    w->scratch_used[which] = true;
    return w->scratch[which];
}

struct ring *
worker_ring_to(struct worker *w)
{
    return w->from[current->index];
}

bool
worker_fd_add(struct worker *w, struct worker_fd *wfd)
{
    return pf_poller_add(w->poller, wfd->fd, wfd->want, wfd);
}

void
worker_fd_want(struct worker *w, struct worker_fd *wfd, unsigned want)
{
    wfd->want = want;
    (void)pf_poller_mod(w->poller, wfd->fd, want, wfd); /* it is in there: cannot fail */
}

void
worker_fd_remove(struct worker *w, struct worker_fd *wfd)
{
    pf_poller_del(w->poller, wfd->fd);
    for (unsigned i = w->event_at; i < w->events; i++) {
        if (w->event[i].cookie == wfd)
            w->event[i].cookie = NULL;
    }
}

void
worker_defer(struct worker *w, struct worker_deferred *d)
{
    if (d->queued)
        return;
    d->queued = true;
    d->next = NULL;
    *w->deferred_end = d;
    w->deferred_end = &d->next;
}

void
worker_defer_cancel(struct worker *w, struct worker_deferred *d)
{
    if (!d->queued)
        return;
    struct worker_deferred **at = &w->deferred;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    if (w->deferred_end == &d->next)
        w->deferred_end = at;
    d->queued = false;
}

/* ---- the loop ---- */

static void
read_mail(struct worker *w)
{
    if (!atomic_load_explicit(&w->has_mail, memory_order_acquire))
        return;
    g_mutex_lock(&w->lock);
    GArray *mail = w->mail;
    w->mail = w->reading;
    w->reading = mail;
    atomic_store_explicit(&w->has_mail, false, memory_order_relaxed);
    g_mutex_unlock(&w->lock);

    for (guint i = 0; i < mail->len; i++) {
        struct message m = g_array_index(mail, struct message, i);
        m.fn(m.data);
    }
    g_array_set_size(mail, 0);
}

static void
read_ring(struct worker *w, struct ring *ring)
{
    struct worker_slot *slot;

    for (unsigned i = 0; i < RING_BUDGET && (slot = ring_peek(ring)); i++) {
        struct tube *t = slot->target;
        t->ops->receive(t, &slot->batch, w->now_us);
        ring_pop(ring);
        t->ops->unref(t);
    }
}

static bool
rings_are_empty(const struct worker *w)
{
    for (unsigned i = 0; i < w->set->n; i++) {
        if (i != w->index && !ring_is_empty(w->from[i]))
            return false;
    }
    return true;
}

static void
read_rings(struct worker *w)
{
    for (unsigned i = 0; i < w->set->n; i++) {
        if (i != w->index)
            read_ring(w, w->from[i]);
    }
}

static void
handle_events(struct worker *w)
{
    for (w->event_at = 0; w->event_at < w->events;) {
        struct pf_event e = w->event[w->event_at++];
        if (e.cookie == w) {
            pf_wake_clear(w->wake_fd);
        } else if (e.cookie) {
            struct worker_fd *wfd = e.cookie;
            wfd->ready(wfd, e.events, w->now_us);
        }
    }
    w->event_at = w->events = 0;
}

static void
run_deferred(struct worker *w)
{
    for (unsigned i = 0; i < DEFERRED_BUDGET && w->deferred; i++) {
        struct worker_deferred *d = w->deferred;
        w->deferred = d->next;
        if (!w->deferred)
            w->deferred_end = &w->deferred;
        d->queued = false;
        d->fn(d, w->now_us);
    }
}

/* How long the poller may sleep: not at all while there is work in memory. Says "asleep" before it
 * looks, as producers push before they look. */
static int64_t
prepare_to_sleep(struct worker *w)
{
    if (w->deferred)
        return 0;
    int64_t wait_us = timer_wheel_wait_us(&w->timers, w->now_us, SLEEP_MAX_US);
    if (wait_us == 0)
        return 0;
    atomic_store_explicit(&w->asleep, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&w->has_mail, memory_order_relaxed) || !rings_are_empty(w)) {
        atomic_store(&w->asleep, false);
        return 0;
    }
    return wait_us;
}

static void
turn(struct worker *w)
{
    struct quiesce *q = w->set->quiesce;
    int64_t wait_us = prepare_to_sleep(w);

    if (wait_us > 0) {
        quiesce_offline(q, w->index);
        quiesce_reap(q);
    }
    w->events = pf_poller_wait(w->poller, w->event, EVENTS, wait_us);
    if (wait_us > 0) {
        quiesce_online(q, w->index);
        atomic_store(&w->asleep, false);
    }
    w->now_us = clock_now_us();
    read_mail(w);
    read_rings(w);
    handle_events(w);
    (void)timer_wheel_run(&w->timers, w->now_us);
    run_deferred(w);
    quiesce_pass(q, w->index);
    quiesce_reap(q);
}

static void
on_trim(struct timer *t, int64_t now_us)
{
    struct worker *w = container_of(t, struct worker, trim);

    frame_pool_trim(w->pool);
    for (unsigned i = 0; i < WORKER_N_SCRATCH; i++) {
        if (!w->scratch_used[i])
            g_clear_pointer(&w->scratch[i], g_free);
        w->scratch_used[i] = false;
    }
    timer_arm(&w->timers, t, now_us + TRIM_US);
}

static gpointer
worker_main(gpointer data)
{
    struct worker *w = data;

    current = w;
    w->now_us = clock_now_us();
    timer_wheel_init(&w->timers, w->now_us);
    timer_init(&w->trim, on_trim);
    timer_arm(&w->timers, &w->trim, w->now_us + TRIM_US);
    quiesce_online(w->set->quiesce, w->index);
    while (!w->stop)
        turn(w);
    quiesce_offline(w->set->quiesce, w->index);
    return NULL;
}

/* ---- the set ---- */

/* Nobody receives any more: the frames go, and the references. True when there was something. */
static bool
drain_ring(struct ring *ring)
{
    struct worker_slot *slot;
    bool any = false;

    while ((slot = ring_peek(ring))) {
        struct tube *t = slot->target;
        batch_free_frames(&slot->batch);
        ring_pop(ring);
        t->ops->unref(t);
        any = true;
    }
    return any;
}

/* What was asked of a worker after its end is done here, as if by itself. True when there was
 * something, which may have asked another worker for more. */
static bool
drain_worker(struct worker *w)
{
    bool any = atomic_load(&w->has_mail) || w->deferred;

    current = w;
    frame_pool_adopt(w->pool);
    read_mail(w);
    for (unsigned i = 0; i < w->set->n; i++) {
        if (i != w->index)
            any |= drain_ring(w->from[i]);
    }
    run_deferred(w);
    current = NULL;
    return any;
}

/* All threads have ended. */
static void
drain_all(struct worker_set *set)
{
    bool any = true;

    for (unsigned round = 0; any && round < DRAIN_ROUNDS; round++) {
        any = false;
        quiesce_reap(set->quiesce); /* nobody is online; what runs may ask workers for something */
        for (unsigned i = 0; i < set->n; i++)
            any |= drain_worker(set->worker[i]);
    }
}

/* All but the pool, to which what quiescence still holds may give frames back. */
static void
worker_close(struct worker *w)
{
    g_array_unref(w->mail);
    g_array_unref(w->reading);
    g_mutex_clear(&w->lock);
    for (unsigned i = 0; i < w->set->n; i++)
        ring_free(w->from[i]);
    for (unsigned i = 0; i < WORKER_N_SCRATCH; i++)
        g_free(w->scratch[i]);
    if (w->wake_fd >= 0)
        pf_close(w->wake_fd);
    if (w->poller)
        pf_poller_free(w->poller);
}

static struct worker *
worker_new(struct worker_set *set, unsigned index, GError **error)
{
    struct worker *w = g_new0(struct worker, 1);

    w->set = set;
    w->index = index;
    w->wake_fd = -1;
    set->worker[index] = w;
    w->deferred_end = &w->deferred;
    w->pool = frame_pool_new(LARGE_FRAMES);
    g_mutex_init(&w->lock);
    w->mail = g_array_new(FALSE, FALSE, sizeof(struct message));
    w->reading = g_array_new(FALSE, FALSE, sizeof(struct message));
    for (unsigned i = 0; i < set->n; i++) {
        if (i != index)
            w->from[i] = ring_new(WORKER_RING_SLOTS, sizeof(struct worker_slot));
    }
    w->poller = pf_poller_new(error);
    if (!w->poller)
        return NULL;
    w->wake_fd = pf_wake_new(error);
    if (w->wake_fd < 0)
        return NULL;
    if (!pf_poller_add(w->poller, w->wake_fd, PF_READ, w)) {
        g_set_error(error, PE_ERROR, PE_INTERNAL, "the system cannot watch another descriptor");
        return NULL;
    }
    return w;
}

struct worker_set *
worker_set_new(unsigned n, GError **error)
{
    struct worker_set *set = g_new0(struct worker_set, 1);

    g_assert(n >= 1 && n <= WORKER_MAX);
    set->n = n;
    set->quiesce = quiesce_new(n);
    for (unsigned i = 0; i < n; i++) {
        if (!worker_new(set, i, error)) {
            worker_set_free(set);
            return NULL;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("worker-%u", i);
        set->worker[i]->thread = g_thread_try_new(name, worker_main, set->worker[i], error);
        if (!set->worker[i]->thread) {
            worker_set_free(set);
            return NULL;
        }
    }
    return set;
}

static void
stop(void *data)
{
    struct worker *w = data;

    w->stop = true;
}

void
worker_set_free(struct worker_set *set)
{
    if (!set)
        return;
    unsigned made = 0; /* fewer than n when worker_set_new() failed half-way */
    while (made < set->n && set->worker[made])
        made++;
    for (unsigned i = 0; i < made && set->worker[i]->thread; i++)
        worker_call(set->worker[i], stop, set->worker[i]);
    for (unsigned i = 0; i < made && set->worker[i]->thread; i++)
        (void)g_thread_join(set->worker[i]->thread);
    if (made == set->n)
        drain_all(set);
    for (unsigned i = 0; i < made; i++)
        worker_close(set->worker[i]);
    quiesce_free(set->quiesce);
    for (unsigned i = 0; i < made; i++) { /* only now is every frame home */
        frame_pool_free(set->worker[i]->pool);
        g_free(set->worker[i]);
    }
    g_free(set);
}

unsigned
worker_set_n(const struct worker_set *set)
{
    return set->n;
}

struct worker *
worker_set_get(struct worker_set *set, unsigned i)
{
    return set->worker[i];
}

struct quiesce *
worker_set_quiesce(struct worker_set *set)
{
    return set->quiesce;
}
