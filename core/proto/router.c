/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - see router.h. */

#include "core/proto/router.h"

#include <stdatomic.h>
#include <string.h>

struct router_book {
    atomic_uint refs;
    GPtrArray *routers; /* of struct router */
};

struct router *
router_new(void)
{
    return g_new0(struct router, 1);
}

void
router_free(struct router *r)
{
    if (!r)
        return;
    g_free(r->id);
    g_free(r->hub);
    g_free(r->user);
    secret_free(r->psk);
    secret_wipe(&r->session, sizeof(r->session));
    g_free(r);
}

struct router_book *
router_book_new(GPtrArray *routers)
{
    struct router_book *b = g_new0(struct router_book, 1);

    atomic_init(&b->refs, 1);
    b->routers = routers;
    return b;
}

struct router_book *
router_book_ref(struct router_book *b)
{
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void
router_book_unref(struct router_book *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (guint i = 0; i < b->routers->len; i++)
        router_free(g_ptr_array_index(b->routers, i));
    g_ptr_array_free(b->routers, true);
    g_free(b);
}

/* How well a pattern fits: 0 not at all, else more for a longer one; an exact one most. */
static size_t
fits(const char *pattern, const char *id)
{
    size_t len = strlen(pattern);

    if (len > 0 && pattern[len - 1] == '*')
        return g_ascii_strncasecmp(pattern, id, len - 1) == 0 ? len : 0;
    return g_ascii_strcasecmp(pattern, id) == 0 ? SIZE_MAX : 0;
}

const struct router *
router_book_find(const struct router_book *b, const char *id)
{
    const struct router *best = NULL;
    size_t best_fit = 0;

    for (guint i = 0; b && i < b->routers->len; i++) {
        const struct router *r = g_ptr_array_index(b->routers, i);
        size_t fit = fits(r->id, id);
        if (fit > best_fit) {
            best = r;
            best_fit = fit;
        }
    }
    return best;
}

unsigned
router_book_n(const struct router_book *b)
{
    return b ? b->routers->len : 0;
}

const struct router *
router_book_at(const struct router_book *b, unsigned i)
{
    return g_ptr_array_index(b->routers, i);
}
