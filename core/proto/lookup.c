/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c - getaddrinfo() off the worker.
 *
 * Threads: the job has two owners, the asker on its worker and the helper, then the answer on its
 * way as a third, and goes with the last of them. The lock guards `asked`: the helper posts its
 * answer only while it holds the lock and sees that somebody still waits, so nothing is posted to a
 * worker whose askers have all gone. Helpers come from GLib's shared pool and are kept by nobody: a
 * pool of one job, freed at once.
 */
#include "core/proto/lookup.h"

#include <glib.h>

#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

struct lookup {
    atomic_uint refs;
    GMutex lock;
    bool asked; /* by lock */

    struct worker *w;
    lookup_done *done; /* worker only; NULL after a cancel */
    void *owner;
    char *host;
    uint16_t port;
    unsigned family;

    struct endpoint found[LOOKUP_MAX];
    unsigned n;
    char *why;
};

static void
lookup_unref(struct lookup *l)
{
    if (atomic_fetch_sub(&l->refs, 1) > 1)
        return;
    g_mutex_clear(&l->lock);
    g_free(l->host);
    g_free(l->why);
    g_free(l);
}

static void
answer(void *data)
{
    struct lookup *l = data;

    if (l->done) {
        l->done(l->owner, l->found, l->n, l->why);
        lookup_unref(l); /* the asker's */
    }
    lookup_unref(l); /* the answer's own */
}

/* Takes from the list the first address of the family, from the place of *at on. */
static bool
next_of_family(const struct addrinfo **at, unsigned family, struct endpoint *out)
{
    for (; *at; *at = (*at)->ai_next) {
        if (endpoint_from_sockaddr((*at)->ai_addr, out) && out->ip.family == family) {
            *at = (*at)->ai_next;
            return true;
        }
    }
    return false;
}

/* Families take turns, the one that the system prefers first. */
static void
interleave(struct lookup *l, const struct addrinfo *list)
{
    struct endpoint e;
    const struct addrinfo *at[2] = {list, list};
    bool first_is_6 = list && endpoint_from_sockaddr(list->ai_addr, &e) && e.ip.family == 6;
    bool more = true;

    while (more) {
        more = false;
        for (unsigned turn = 0; turn < 2 && l->n < LOOKUP_MAX; turn++) {
            unsigned family = (turn == 0) == first_is_6 ? 6 : 4;
            if (!next_of_family(&at[turn], family, &e))
                continue;
            l->found[l->n++] = e;
            more = l->n < LOOKUP_MAX;
        }
    }
}

static void
ask(struct lookup *l)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;

    if (l->family != 0)
        hints.ai_family = l->family == 4 ? AF_INET : AF_INET6;
    (void)g_snprintf(service, sizeof service, "%u", (unsigned)l->port);
    int failed = getaddrinfo(l->host, service, &hints, &list);
    if (failed)
        l->why = g_strdup_printf("the name '%s' has no address: %s", l->host, gai_strerror(failed));
    else
        interleave(l, list);
    if (list)
        freeaddrinfo(list);
    if (!failed && l->n == 0)
        l->why = g_strdup_printf("the name '%s' has no usable address", l->host);
}

static void
helper(gpointer data, gpointer unused)
{
    struct lookup *l = data;
    (void)unused;

    ask(l);
    g_mutex_lock(&l->lock);
    if (l->asked) {
        atomic_fetch_add(&l->refs, 1); /* the answer's: it may be over before the lock is free */
        worker_call(l->w, answer, l);
    }
    g_mutex_unlock(&l->lock);
    lookup_unref(l);
}

struct lookup *
lookup_start(struct worker *w, const char *host, uint16_t port, unsigned family, lookup_done *done,
             void *owner)
{
    struct lookup *l = g_new0(struct lookup, 1);

    atomic_init(&l->refs, 2);
    g_mutex_init(&l->lock);
    l->asked = true;
    l->w = w;
    l->done = done;
    l->owner = owner;
    l->host = g_strdup(host);
    l->port = port;
    l->family = family;

    struct ip literal;
    if (ip_parse(host, &literal) && (family == 0 || literal.family == family)) {
        l->found[0] = (struct endpoint){.ip = literal, .port = port};
        l->n = 1;
        worker_call(w, answer, l);
        return l;
    }
    GThreadPool *pool = g_thread_pool_new(helper, NULL, 1, FALSE, NULL);
    (void)g_thread_pool_push(pool, l, NULL); /* without a thread there is no answer, which the asker
                                               must bear anyhow: it has a time limit */
    g_thread_pool_free(pool, FALSE, FALSE);
    return l;
}

void
lookup_cancel(struct lookup *l)
{
    if (!l)
        return;
    g_mutex_lock(&l->lock);
    l->asked = false;
    g_mutex_unlock(&l->lock);
    l->done = NULL;
    lookup_unref(l);
}
