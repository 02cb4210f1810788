/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - see frame.h.
 *
 * A pool has two classes, each a LIFO list of its own thread: the frame freed last is warm in the
 * cache. Other threads give frames back by a stack that they push to by compare-and-swap and that
 * the owner takes whole by exchange; nobody pops a single one, so there is no ABA. Both classes are
 * limited, because a peer decides how many frames wait somewhere.
 */

#include "core/base/frame.h"

#include <glib.h>

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_MALLOC_TRIM
#    include <malloc.h>
#endif

/* With the address sanitizer a free frame is as good as freed memory. */
#if defined(__SANITIZE_ADDRESS__)
#    define POISONS 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define POISONS 1
#    endif
#endif
#ifdef POISONS
#    include <sanitizer/asan_interface.h>
#endif

enum { CLASS_SMALL, CLASS_LARGE, N_CLASSES };

enum {
    CACHE_LINE = 64,
    KEEP_SMALL = 64,             /* free frames that a trim leaves alone */
    RELEASE_BYTES = 1024 * 1024, /* given back to malloc before it is asked to give back itself */
    RELEASE_TRIMS = 8,           /* trims between two such times */
};

static const uint32_t room[N_CLASSES] = {[CLASS_SMALL] = FRAME_SMALL, [CLASS_LARGE] = FRAME_LARGE};

struct frame_class {
    struct frame *free; /* owned */
    unsigned n_free;
    unsigned least_free; /* since the last trim: these were not needed */
    unsigned n_out;
    unsigned most_out;
};

struct frame_pool {
    const char *owner; /* thread_mark of its thread; set before there is a frame */
    struct frame_class class[N_CLASSES];
    size_t released; /* bytes given back to malloc and not yet to the system */
    unsigned trims;
    _Alignas(CACHE_LINE) _Atomic(struct frame *) returned; /* by other threads */
};

/* Its address tells threads apart, cheaper than asking the system who one is. */
static _Thread_local char thread_mark;

static unsigned
class_of(size_t cap)
{
    return cap <= FRAME_SMALL ? CLASS_SMALL : CLASS_LARGE;
}

static unsigned
class_of_frame(const struct frame *f)
{
    return class_of(f->size - FRAME_HEADROOM);
}

static void
poison(struct frame *f)
{
#ifdef POISONS
    ASAN_POISON_MEMORY_REGION(f->buf, f->size);
#else
    (void)f;
#endif
}

static void
unpoison(struct frame *f)
{
#ifdef POISONS
    ASAN_UNPOISON_MEMORY_REGION(f->buf, f->size);
#else
    (void)f;
#endif
}

struct frame_pool *
frame_pool_new(unsigned max_large)
{
    struct frame_pool *pool = aligned_alloc(CACHE_LINE, sizeof *pool);

    if (!pool)
        g_error("out of memory for a frame pool");
    *pool = (struct frame_pool){0};
    pool->class[CLASS_SMALL].most_out = FRAME_MAX_SMALL;
    pool->class[CLASS_LARGE].most_out = max_large;
    return pool;
}

/* Puts a frame that was out on its free list. */
static void
put_back(struct frame_pool *pool, struct frame *f)
{
    struct frame_class *c = &pool->class[class_of_frame(f)];

    c->n_out--;
    f->next = c->free;
    c->free = f;
    c->n_free++;
}

static void
take_returned(struct frame_pool *pool)
{
    if (!atomic_load_explicit(&pool->returned, memory_order_relaxed))
        return;
    struct frame *f = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    while (f) {
        struct frame *next = f->next;
        put_back(pool, f);
        f = next;
    }
}

/* Frees those behind the first n on the list, which are the ones that are not in the cache. */
static void
cut_free_list(struct frame_pool *pool, struct frame_class *c, unsigned n)
{
    struct frame **at = &c->free;

    for (unsigned i = 0; i < n && *at; i++)
        at = &(*at)->next;
    struct frame *f = *at;
    *at = NULL;
    while (f) {
        struct frame *next = f->next;
        pool->released += sizeof *f + f->size;
        unpoison(f);
        free(f);
        c->n_free--;
        f = next;
    }
}

void
frame_pool_free(struct frame_pool *pool)
{
    if (!pool)
        return;
    take_returned(pool);
    for (unsigned i = 0; i < N_CLASSES; i++) {
        g_assert(pool->class[i].n_out == 0);
        cut_free_list(pool, &pool->class[i], 0);
    }
    free(pool);
}

void
frame_pool_adopt(struct frame_pool *pool)
{
    pool->owner = &thread_mark;
    take_returned(pool);
}

unsigned
frame_pool_in_use(struct frame_pool *pool)
{
    take_returned(pool);
    return pool->class[CLASS_SMALL].n_out + pool->class[CLASS_LARGE].n_out;
}

void
frame_pool_trim(struct frame_pool *pool)
{
    static const unsigned keep[N_CLASSES] = {[CLASS_SMALL] = KEEP_SMALL};

    take_returned(pool);
    for (unsigned i = 0; i < N_CLASSES; i++) {
        struct frame_class *c = &pool->class[i];
        unsigned unused = c->least_free < c->n_free ? c->least_free : c->n_free;
        unsigned left = c->n_free - unused;
        cut_free_list(pool, c, left > keep[i] ? left : keep[i]);
        c->least_free = c->n_free;
    }
    if (++pool->trims < RELEASE_TRIMS || pool->released < RELEASE_BYTES)
        return;
    pool->trims = 0;
    pool->released = 0;
#ifdef HAVE_MALLOC_TRIM
    (void)malloc_trim(0);
#endif
}

static struct frame *
make(struct frame_pool *pool, unsigned class)
{
    uint32_t size = FRAME_HEADROOM + room[class];
    struct frame *f = malloc(sizeof *f + size); /* not cleared: untouched pages cost nothing */

    if (!f)
        return NULL;
    f->size = size;
    f->pool = pool;
    return f;
}

static struct frame *
take_free(struct frame_class *c)
{
    struct frame *f = c->free;

    c->free = f->next;
    c->n_free--;
    if (c->n_free < c->least_free)
        c->least_free = c->n_free;
    unpoison(f);
    return f;
}

struct frame *
frame_new(struct frame_pool *pool, size_t cap)
{
    if (!pool->owner)
        pool->owner = &thread_mark;
    g_assert(pool->owner == &thread_mark);
    if (cap > FRAME_LARGE)
        return NULL;

    struct frame_class *c = &pool->class[class_of(cap)];
    if (!c->free || c->n_out >= c->most_out)
        take_returned(pool);
    if (c->n_out >= c->most_out)
        return NULL;
    struct frame *f = c->free ? take_free(c) : make(pool, class_of(cap));
    if (!f)
        return NULL;
    c->n_out++;
    f->data = f->buf + FRAME_HEADROOM;
    f->len = 0;
    f->gso_type = FRAME_GSO_NONE;
    f->flags = 0;
    f->gso_size = 0;
    f->csum_start = 0;
    f->csum_offset = 0;
    atomic_store_explicit(&f->refs, 1, memory_order_relaxed);
    f->next = NULL;
    return f;
}

struct frame *
frame_copy(struct frame_pool *pool, const struct frame *f)
{
    struct frame *copy = frame_new(pool, f->len);

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

/* True when the caller held the last reference. */
static bool
give_up(struct frame *f)
{
    /* The only holder needs no locked instruction: nobody else can add a reference. */
    if (atomic_load_explicit(&f->refs, memory_order_acquire) == 1)
        return true;
    return atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1;
}

void
frame_free(struct frame *f)
{
    if (!f || !give_up(f))
        return;
    struct frame_pool *pool = f->pool;
    poison(f);
    if (pool->owner == &thread_mark) {
        put_back(pool, f);
        return;
    }
    struct frame *first = atomic_load_explicit(&pool->returned, memory_order_relaxed);
    do {
        f->next = first;
    } while (!atomic_compare_exchange_weak_explicit(&pool->returned, &first, f,
                                                    memory_order_release, memory_order_relaxed));
}

struct frame *
frame_own(struct frame_pool *pool, struct frame *f)
{
    if (atomic_load_explicit(&f->refs, memory_order_acquire) == 1)
        return f;
    struct frame *copy = frame_copy(pool, f);
    frame_free(f);
    return copy;
}
