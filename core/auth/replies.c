/* SPDX-License-Identifier: Apache-2.0 */
/* replies.c - see replies.h. All live equally long, so the queue is sorted by its order. */

#include "core/auth/replies.h"

#include <string.h>

struct replies {
    GQueue open; /* of struct reply, the oldest first */
};

void
reply_free(struct reply *r)
{
    if (!r)
        return;
    g_free(r->hub);
    g_free(r->user);
    if (r->has_first)
        auth_answer_clear(&r->first);
    g_clear_pointer(&r->state, g_bytes_unref);
    secret_wipe(r, sizeof(*r));
    g_free(r);
}

struct replies *
replies_new(void)
{
    struct replies *t = g_new0(struct replies, 1);
    g_queue_init(&t->open);
    return t;
}

static void
free_any(gpointer r)
{
    reply_free(r);
}

void
replies_free(struct replies *t)
{
    if (!t)
        return;
    g_queue_clear_full(&t->open, free_any);
    g_free(t);
}

static void
forget_old(struct replies *t, int64_t now_us)
{
    for (;;) {
        const struct reply *r = g_queue_peek_head(&t->open);
        if (!r || now_us < r->until_us)
            return;
        reply_free(g_queue_pop_head(&t->open));
    }
}

bool
replies_add(struct replies *t, struct reply *r, int64_t now_us)
{
    unsigned same = 0;
    struct ip key = ip_limit_key(&r->address);

    forget_old(t, now_us);
    for (const GList *l = t->open.head; l; l = l->next) {
        const struct reply *other = l->data;
        struct ip it = ip_limit_key(&other->address);
        same += ip_equal(&key, &it);
    }
    if (t->open.length >= AUTH_REPLIES || same >= AUTH_REPLIES_ADDRESS) {
        reply_free(r);
        return false;
    }
    r->until_us = now_us + AUTH_REPLY_S * G_USEC_PER_SEC;
    g_queue_push_tail(&t->open, r);
    return true;
}

struct reply *
replies_take(struct replies *t, const char *id, const char *hub, const char *user, int64_t now_us)
{
    if (strlen(id) != AUTH_REPLY_ID - 1)
        return NULL;
    forget_old(t, now_us);
    for (GList *l = t->open.head; l; l = l->next) {
        struct reply *r = l->data;
        if (!secret_equal(r->id, id, AUTH_REPLY_ID - 1))
            continue;
        g_queue_delete_link(&t->open, l);
        if (g_ascii_strcasecmp(r->hub, hub) == 0 && g_ascii_strcasecmp(r->user, user) == 0)
            return r;
        reply_free(r);
        return NULL;
    }
    return NULL;
}

unsigned
replies_count(const struct replies *t)
{
    return t->open.length;
}
