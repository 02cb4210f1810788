/* SPDX-License-Identifier: Apache-2.0 */
/* link_ear.c - events of a link, from its worker to the control thread's main loop.
 *
 * An event is a copy of its own and holds a reference to the ear. The control thread closes the ear
 * when the link goes, and says which session it expects: what was posted about another one is
 * nobody's business any more.
 */
#include "apps/client/link_priv.h"

#include <string.h>

struct link_ear {
    atomic_uint refs;
    link_told *told; /* these three: control thread; told NULL after link_ear_close() */
    void *owner;
    unsigned session;
};

struct posted {
    struct link_ear *ear;
    unsigned session;
    struct link_event e;
    struct link_session copy;
    char *message;
    struct net_offer *offer;
    uint8_t fingerprint[32];
};

struct link_ear *
link_ear_new(link_told *told, void *owner)
{
    struct link_ear *ear = g_new0(struct link_ear, 1);

    atomic_init(&ear->refs, 1);
    ear->told = told;
    ear->owner = owner;
    return ear;
}

void
link_ear_unref(struct link_ear *ear)
{
    if (atomic_fetch_sub(&ear->refs, 1) == 1)
        g_free(ear);
}

void
link_ear_close(struct link_ear *ear)
{
    ear->told = NULL;
}

void
link_ear_expect(struct link_ear *ear, unsigned session)
{
    ear->session = session;
}

static void
posted_free(void *data)
{
    struct posted *p = data;

    link_ear_unref(p->ear);
    g_free(p->copy.session_name);
    g_free(p->copy.connection_name);
    g_free(p->copy.server_product);
    g_free(p->copy.cipher);
    g_free(p->copy.message);
    g_free(p->message);
    g_free(p->offer);
    g_free(p);
}

/* The adapter and its lease outlive sessions. */
static bool
is_of_session(enum link_event_kind kind)
{
    return kind == LINK_ESTABLISHED || kind == LINK_ENDED || kind == LINK_ROUTER6;
}

static gboolean
deliver(gpointer data)
{
    const struct posted *p = data;
    struct link_ear *ear = p->ear;

    if (ear->told && (!is_of_session(p->e.kind) || p->session == ear->session))
        ear->told(ear->owner, &p->e);
    return G_SOURCE_REMOVE;
}

static void
copy_session(struct link_session *to, const struct link_session *from)
{
    *to = *from;
    to->session_name = g_strdup(from->session_name);
    to->connection_name = g_strdup(from->connection_name);
    to->server_product = g_strdup(from->server_product);
    to->cipher = g_strdup(from->cipher);
    to->message = g_strdup(from->message);
}

void
link_ear_post(struct link_ear *ear, unsigned session, const struct link_event *e)
{
    struct posted *p = g_new0(struct posted, 1);
    GSource *source = g_idle_source_new();

    atomic_fetch_add(&ear->refs, 1);
    p->ear = ear;
    p->session = session;
    p->e = *e;
    if (e->session) {
        copy_session(&p->copy, e->session);
        p->e.session = &p->copy;
    }
    if (e->message)
        p->e.message = p->message = g_strdup(e->message);
    if (e->offer)
        p->e.offer = p->offer = g_memdup2(e->offer, sizeof *e->offer);
    if (e->fingerprint) {
        memcpy(p->fingerprint, e->fingerprint, sizeof p->fingerprint);
        p->e.fingerprint = p->fingerprint;
    }
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, deliver, p, posted_free);
    g_source_attach(source, NULL);
    g_source_unref(source);
}
