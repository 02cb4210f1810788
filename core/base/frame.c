/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - pools of frames.
 *
 * A pool belongs to one thread, which allocates from two free lists (small and large frames), last
 * freed first, since that one is still in the cache. Frames freed on another thread go to a stack
 * that any thread pushes to and only the owner empties, all at once: so there is no ABA, and no
 * lock. A large frame that holds little costs little: pages that were never touched are not there.
 */

#include "core/base/frame.h"

#include <glib.h>

#include <pthread.h>
#include <string.h>

enum { SMALL_MAX = 16384 /* small frames out at a time */ };

struct free_list {
    struct frame *first;
    unsigned n;
    unsigned least; /* smallest n since the last trim: that many were not needed */
    unsigned out;   /* frames of this size in use */
    unsigned max;
};

struct frame_pool {
    struct free_list small, large;
    _Atomic(struct frame *) returned; /* freed by other threads */
    pthread_t owner;
    bool owned; /* owner is set */
};

struct frame_pool *
frame_pool_new(unsigned max_large)
{
    struct frame_pool *p = g_new0(struct frame_pool, 1);

    p->small.max = SMALL_MAX;
    p->large.max = max_large;
    return p;
}

static struct free_list *
list_of(struct frame_pool *p, const struct frame *f)
{
    return f->size > FRAME_HEADROOM + FRAME_SMALL ? &p->large : &p->small;
}

static void
put_back(struct frame_pool *p, struct frame *f)
{
    struct free_list *list = list_of(p, f);

    f->next = list->first;
    list->first = f;
    list->n++;
    list->out--;
}

static void
take_returned(struct frame_pool *p)
{
    struct frame *f = atomic_exchange_explicit(&p->returned, NULL, memory_order_acquire);

    while (f) {
        struct frame *next = f->next;
        put_back(p, f);
        f = next;
    }
}

static void
give_up(struct free_list *list, unsigned n)
{
    for (; n > 0; n--) {
        struct frame *f = list->first;
        list->first = f->next;
        list->n--;
        g_free(f);
    }
    list->least = list->n;
}

void
frame_pool_trim(struct frame_pool *p)
{
    take_returned(p);
    give_up(&p->small, p->small.least);
    give_up(&p->large, p->large.least);
}

void
frame_pool_free(struct frame_pool *p)
{
    if (!p)
        return;
    take_returned(p);
    g_assert(p->small.out == 0 && p->large.out == 0);
    give_up(&p->small, p->small.n);
    give_up(&p->large, p->large.n);
    g_free(p);
}

static void
reset(struct frame *f)
{
    f->data = f->buf + FRAME_HEADROOM;
    f->len = 0;
    f->gso_type = FRAME_GSO_NONE;
    f->flags = 0;
    f->gso_size = 0;
    f->csum_start = 0;
    f->csum_offset = 0;
    f->next = NULL;
    atomic_store_explicit(&f->refs, 1, memory_order_relaxed);
}

struct frame *
frame_new(struct frame_pool *p, size_t cap)
{
    if (cap > FRAME_LARGE)
        return NULL;
    if (!p->owned) {
        p->owner = pthread_self();
        p->owned = true;
    }
    struct free_list *list = cap > FRAME_SMALL ? &p->large : &p->small;
    if (!list->first)
        take_returned(p);
    struct frame *f = list->first;
    if (f) {
        list->first = f->next;
        list->n--;
        list->least = MIN(list->least, list->n);
    } else if (list->out < list->max) {
        uint32_t size = FRAME_HEADROOM + (cap > FRAME_SMALL ? FRAME_LARGE : FRAME_SMALL);
        f = g_malloc(sizeof(*f) + size);
        f->size = size;
        f->pool = p;
        atomic_init(&f->refs, 1);
    } else {
        return NULL;
    }
    list->out++;
    reset(f);
    return f;
}

struct frame *
frame_copy(struct frame_pool *p, const struct frame *f)
{
    struct frame *copy = frame_new(p, f->len);

    if (!copy)
        return NULL;
    memcpy(copy->data, f->data, f->len);
    copy->len = f->len;
    copy->gso_type = f->gso_type;
    copy->flags = f->flags;
    copy->gso_size = f->gso_size;
    copy->csum_start = f->csum_start;
    copy->csum_offset = f->csum_offset;
    return copy;
}

void
frame_free(struct frame *f)
{
    struct frame_pool *p = f->pool;

    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (p->owned && pthread_equal(p->owner, pthread_self())) {
        put_back(p, f);
        return;
    }
    f->next = atomic_load_explicit(&p->returned, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&p->returned, &f->next, f, memory_order_release,
                                                  memory_order_relaxed))
        continue;
}

struct frame *
frame_own(struct frame_pool *p, struct frame *f)
{
    if (atomic_load_explicit(&f->refs, memory_order_acquire) == 1)
        return f;
    struct frame *copy = frame_copy(p, f);
    frame_free(f);
    return copy;
}
