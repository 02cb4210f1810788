/* SPDX-License-Identifier: Apache-2.0 */
/* syslog.c - see syslog.h. */

#include "core/log/syslog.h"

#include "core/log/syslog_message.h"
#include "core/log/syslog_wire.h"

#include <string.h>

struct message {
    GList link;
    size_t len;
    char at[];
};

struct syslog {
    struct syslog_origin origin;
    GThread *thread;

    GMutex lock; /* all below */
    GCond changed;
    GQueue queue; /* of struct message */
    size_t bytes;
    struct syslog_config config; /* host NULL: off */
    unsigned generation;         /* of it */
    bool stop;
    GCancellable *cancel; /* ends what the thread waits for */
    struct syslog_state state;
    struct line line;
};

/* ---- producers ---- */

void
syslog_take(void *owner, const char *log, enum log_level level, int64_t wall_ms, const char *text,
            size_t len)
{
    struct syslog *s = owner;

    g_mutex_lock(&s->lock);
    if (s->config.host) {
        bool framed = s->config.transport != SYSLOG_UDP;
        const struct syslog_text what = {log, level, wall_ms, text, len};
        syslog_message_print(&s->line, &s->origin, &what, framed);
        if (s->queue.length >= SYSLOG_QUEUE || s->bytes + s->line.len > SYSLOG_QUEUE_BYTES) {
            s->state.lost++;
        } else {
            struct message *m = g_malloc(sizeof(*m) + s->line.len);
            *m = (struct message){.link = {.data = m}, .len = s->line.len};
            memcpy(m->at, s->line.at, m->len);
            g_queue_push_tail_link(&s->queue, &m->link);
            s->bytes += m->len;
            if (s->queue.length == 1)
                g_cond_signal(&s->changed);
        }
    }
    g_mutex_unlock(&s->lock);
}

/* ---- the thread ---- */

static void
config_clear(struct syslog_config *c)
{
    g_clear_pointer(&c->host, g_free);
    g_clear_pointer(&c->ca, g_bytes_unref);
}

static struct syslog_config
config_copy(const struct syslog_config *c)
{
    struct syslog_config copy = *c;

    copy.host = g_strdup(c->host);
    copy.ca = c->ca ? g_bytes_ref(c->ca) : NULL;
    return copy;
}

static void
forget(struct syslog *s)
{
    GList *link;

    while ((link = g_queue_pop_head_link(&s->queue)) != NULL)
        g_free(link->data);
    s->bytes = 0;
}

/* How a connection did, for those who ask. */
static void
tell(struct syslog *s, bool connected, const GError *error)
{
    bool was_well = false;

    g_mutex_lock(&s->lock);
    was_well = s->state.error[0] == '\0';
    s->state.connected = connected;
    (void)g_strlcpy(s->state.error, error ? error->message : "", sizeof(s->state.error));
    g_mutex_unlock(&s->lock);
    if (error && was_well) /* one line, however often it is tried */
        log_warning("syslog server does not take messages", "reason=\"%s\"", error->message);
}

/* The next message, when the settings are still those; the thread's until it is sent or given back.
 * Waits until there is one. */
static struct message *
next_message(struct syslog *s, unsigned generation)
{
    struct message *m = NULL;

    g_mutex_lock(&s->lock);
    while (!s->stop && s->generation == generation && s->queue.length == 0)
        g_cond_wait(&s->changed, &s->lock);
    if (!s->stop && s->generation == generation) {
        GList *link = g_queue_pop_head_link(&s->queue);
        m = link->data;
        s->bytes -= m->len;
    }
    g_mutex_unlock(&s->lock);
    return m;
}

/* Sends until that fails or the settings change. */
static void
pump(struct syslog *s, struct syslog_wire *wire, unsigned generation, GError **error)
{
    struct message *m;

    while ((m = next_message(s, generation)) != NULL) {
        bool ok = syslog_wire_send(wire, m->at, m->len, error);
        g_mutex_lock(&s->lock);
        if (ok) {
            s->state.sent++;
        } else { /* it is the first to go by the next connection */
            g_queue_push_head_link(&s->queue, &m->link);
            s->bytes += m->len;
        }
        g_mutex_unlock(&s->lock);
        if (!ok)
            return;
        g_free(m);
    }
}

/* Waits, but not longer than until something changes. */
static void
pause_for(struct syslog *s, unsigned generation, unsigned seconds)
{
    int64_t until_us = g_get_monotonic_time() + (int64_t)seconds * G_TIME_SPAN_SECOND;

    g_mutex_lock(&s->lock);
    while (!s->stop && s->generation == generation && g_get_monotonic_time() < until_us)
        (void)g_cond_wait_until(&s->changed, &s->lock, until_us);
    g_mutex_unlock(&s->lock);
}

static void
serve(struct syslog *s, const struct syslog_config *config, unsigned generation,
      GCancellable *cancel, unsigned *retry_s)
{
    g_autoptr(GError) error = NULL;
    struct syslog_wire *wire = syslog_wire_open(config, cancel, &error);

    if (wire) {
        tell(s, true, NULL);
        *retry_s = 1;
        pump(s, wire, generation, &error);
        syslog_wire_close(wire);
    }
    if (error && !g_cancellable_is_cancelled(cancel)) {
        tell(s, false, error);
        pause_for(s, generation, *retry_s);
        *retry_s = MIN(*retry_s * 2, SYSLOG_RETRY_MAX_S);
    }
}

static gpointer
thread_main(gpointer data)
{
    struct syslog *s = data;
    unsigned retry_s = 1;
    unsigned last = 0;

    g_mutex_lock(&s->lock);
    while (!s->stop) {
        if (!s->config.host || s->queue.length == 0) { /* no connection before there is a need */
            g_cond_wait(&s->changed, &s->lock);
            continue;
        }
        struct syslog_config config = config_copy(&s->config);
        g_autoptr(GCancellable) cancel = g_object_ref(s->cancel);
        unsigned generation = s->generation;
        g_mutex_unlock(&s->lock);
        if (generation != last)
            retry_s = 1;
        last = generation;
        serve(s, &config, generation, cancel, &retry_s);
        config_clear(&config);
        g_mutex_lock(&s->lock);
    }
    g_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- control ---- */

struct syslog *
syslog_new(const char *app, GError **error)
{
    struct syslog *s = g_new0(struct syslog, 1);

    syslog_origin_init(&s->origin, app);
    g_mutex_init(&s->lock);
    g_cond_init(&s->changed);
    g_queue_init(&s->queue);
    s->cancel = g_cancellable_new();
    s->thread = g_thread_try_new("syslog", thread_main, s, error);
    if (s->thread)
        return s;
    syslog_free(s);
    return NULL;
}

void
syslog_free(struct syslog *s)
{
    if (!s)
        return;
    g_mutex_lock(&s->lock);
    s->stop = true;
    g_cancellable_cancel(s->cancel);
    g_cond_broadcast(&s->changed);
    g_mutex_unlock(&s->lock);
    if (s->thread)
        g_thread_join(s->thread);
    forget(s);
    config_clear(&s->config);
    g_object_unref(s->cancel);
    g_mutex_clear(&s->lock);
    g_cond_clear(&s->changed);
    g_free(s);
}

/* A datagram has no length before it, a stream has: what waits is in the form of its time. */
static bool
is_other_form(const struct syslog_config *a, const struct syslog_config *b)
{
    return (a->transport == SYSLOG_UDP) != (b->transport == SYSLOG_UDP);
}

void
syslog_configure(struct syslog *s, const struct syslog_config *config)
{
    g_mutex_lock(&s->lock);
    if (!config || (s->config.host && is_other_form(&s->config, config))) {
        s->state.lost += s->queue.length;
        forget(s);
    }
    config_clear(&s->config);
    if (config)
        s->config = config_copy(config);
    s->generation++;
    s->state.connected = false;
    s->state.error[0] = '\0';
    g_cancellable_cancel(s->cancel);
    g_object_unref(s->cancel);
    s->cancel = g_cancellable_new();
    g_cond_broadcast(&s->changed);
    g_mutex_unlock(&s->lock);
}

void
syslog_get_state(struct syslog *s, struct syslog_state *out)
{
    g_mutex_lock(&s->lock);
    *out = s->state;
    out->on = s->config.host != NULL;
    out->queued = s->queue.length;
    g_mutex_unlock(&s->lock);
}
