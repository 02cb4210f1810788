/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the dispatcher: finds the method, checks the rights of the table, has passwords
 * hashed, runs the handler, writes the log. See server.h. */
#include "core/rpc/server.h"

#include "core/auth/password.h"
#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/rpc/fence.h"
#include "core/rpc/login.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

/* ---- life ---- */

static void
run_work(void *item, void *data)
{
    struct rpc_job *j = item;

    (void)data;
    j->work(j);
    rpc_job_to_control(j->server, j);
}

struct rpc_server *
rpc_server_new(const struct rpc_host *host)
{
    struct rpc_server *s = g_new0(struct rpc_server, 1);

    s->host = *host;
    s->control = g_main_context_ref_thread_default();
    s->helpers = g_thread_pool_new(run_work, NULL, RPC_HELPERS, FALSE, NULL);
    s->finished = g_async_queue_new();
    s->logins = login_cache_new();
    s->started_ms = clock_wall_ms();
    atomic_init(&s->refs, 1);
    return s;
}

static void
server_unref(void *data)
{
    struct rpc_server *s = data;

    if (atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    g_async_queue_unref(s->finished);
    login_cache_free(s->logins);
    g_main_context_unref(s->control);
    g_free(s);
}

static gboolean
finish_jobs(void *data)
{
    struct rpc_server *s = data;
    struct rpc_job *j;

    while ((j = g_async_queue_try_pop(s->finished)) != NULL)
        j->finish(j, s->closed);
    return G_SOURCE_REMOVE;
}

void
rpc_server_free(struct rpc_server *s)
{
    if (!s)
        return;
    g_thread_pool_free(s->helpers, FALSE, TRUE);
    s->closed = true;
    (void)finish_jobs(s); /* always asks to be removed; there is no source here */
    server_unref(s);
}

void
rpc_job_start(struct rpc_server *s, struct rpc_job *j)
{
    j->server = s;
    g_thread_pool_push(s->helpers, j, NULL);
}

void
rpc_job_to_control(struct rpc_server *s, struct rpc_job *j)
{
    GSource *wake = g_idle_source_new();

    j->server = s;
    g_async_queue_push(s->finished, j);
    atomic_fetch_add(&s->refs, 1);
    g_source_set_priority(wake, G_PRIORITY_DEFAULT);
    g_source_set_callback(wake, finish_jobs, s, server_unref);
    g_source_attach(wake, s->control);
    g_source_unref(wake);
}

/* ---- what handlers share ---- */

bool
rpc_fail(GError **error, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, PE_ERROR, code, "%s", text);
    return false;
}

struct record *
rpc_echo(const struct rpc_call *c)
{
    struct record *out = record_new();
    struct rpc_field_iter it = rpc_fields(c->method->in);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL)
        if (!(f->flags & RPC_SECRET))
            record_copy(out, c->in, f->name);
    return out;
}

struct store_hub *
rpc_stored_hub(const struct rpc_call *c, GError **error)
{
    const char *name = record_text(c->in, "HubName_str");
    struct store_hub *h = store_hub_get(c->host->store, name);

    if (!h)
        rpc_fail(error, PE_HUB_NOT_FOUND, "hub '%s' does not exist", name);
    return h;
}

struct hub *
rpc_living_hub(const struct rpc_call *c, GError **error)
{
    const char *name = record_text(c->in, "HubName_str");
    struct hub *h = hubs_find(c->host->hubs, name);

    if (!h)
        rpc_fail(error, PE_HUB_NOT_FOUND, "hub '%s' does not exist", name);
    return h;
}

bool
rpc_may_see_hub(const struct rpc_caller *caller, const char *hub)
{
    return caller->rank == RPC_RANK_SERVER ||
           (caller->rank == RPC_RANK_HUB && g_ascii_strcasecmp(caller->hub, hub) == 0);
}

static void
put_direction(struct record *out, const char *prefix, const char *way, const struct hub_traffic *t)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"BroadcastBytes_u64", t->broadcast_bytes},
        {"BroadcastCount_u64", t->broadcast_frames},
        {"UnicastBytes_u64", t->unicast_bytes},
        {"UnicastCount_u64", t->unicast_frames},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[64];
        g_snprintf(name, sizeof(name), "%s%s.%s", prefix, way, rows[i].name);
        record_set_u64(out, name, rows[i].value);
    }
}

void
rpc_put_traffic(struct record *out, const char *prefix, const struct hub_traffic *in,
                const struct hub_traffic *sent)
{
    put_direction(out, prefix, "Recv", in);
    put_direction(out, prefix, "Send", sent);
}

void
rpc_put_drops(struct record *out, const uint64_t dropped[])
{
    record_make_array(out, "DropList");
    for (unsigned i = 1; i < DROP_N_REASONS; i++) {
        if (dropped[i] == 0)
            continue;
        struct record *row = record_append(out, "DropList");
        record_set_text(row, "Reason_str", drop_name((enum drop)i));
        record_set_u64(row, "Count_u64", dropped[i]);
    }
}

/* ---- finding and judging ---- */

const struct rpc_handler_row *
rpc_handler_find(const char *method)
{
    static const struct rpc_handler_row *const tables[] = {
        rpc_server_handlers, rpc_cert_handlers,      rpc_listener_handlers, rpc_hub_handlers,
        rpc_ca_handlers,     rpc_user_handlers,      rpc_group_handlers,    rpc_session_handlers,
        rpc_bridge_handlers, rpc_securenat_handlers, rpc_openvpn_handlers,  rpc_ipsec_handlers,
        rpc_access_handlers, rpc_ban_handlers,       rpc_option_handlers,   rpc_log_handlers,
        rpc_radius_handlers, rpc_admin_handlers,     rpc_crl_handlers,      rpc_totp_handlers,
    };

    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct rpc_handler_row *r = tables[t]; r->method; r++)
            if (strcmp(r->method, method) == 0)
                return r;
    return NULL;
}

static const char *
hub_of(const struct rpc_method *m, const struct record *in)
{
    return record_text(in, m->hub_field ? m->hub_field : "HubName_str");
}

static bool
is_allowed(struct store *store, const struct rpc_method *m, const struct rpc_caller *caller,
           const struct record *in, GError **error)
{
    if (caller->rank == RPC_RANK_NONE)
        return rpc_fail(error, PE_NOT_ENOUGH_RIGHTS, "this needs an administrator's login");
    if (m->right == RPC_SERVER_ADMIN && caller->rank != RPC_RANK_SERVER)
        return rpc_fail(error, PE_NOT_ENOUGH_RIGHTS, "only the server administrator may call %s",
                        m->name);
    if (m->right != RPC_HUB_ADMIN)
        return true;
    const char *hub = hub_of(m, in);
    if (!hub[0])
        return rpc_fail(error, PE_INVALID_PARAMETER, "the name of the hub is missing");
    if (!rpc_may_see_hub(caller, hub))
        return rpc_fail(error, PE_NOT_ENOUGH_RIGHTS,
                        "the administrator of hub '%s' has no rights over other hubs", caller->hub);
    return caller->rank == RPC_RANK_SERVER || fence_passes(store, hub, m, in, error);
}

static const struct rpc_method *
find_method(const struct rpc_server *s, const char *name, const struct rpc_caller *caller,
            const struct record *in, const struct rpc_handler_row **row, GError **error)
{
    const struct rpc_method *m = rpc_method_find(name);

    *row = m ? rpc_handler_find(m->name) : NULL;
    if (!*row) {
        rpc_fail(error, PE_NOT_SUPPORTED, "there is no such method here");
        return NULL;
    }
    return is_allowed(s->host.store, m, caller, in, error) ? m : NULL;
}

/* ---- running ---- */

static void
write_log(const struct rpc_call *c, const GError *why)
{
    const char *hub = hub_of(c->method, c->in);
    char text[80];

    if (why)
        log_info("administration refused", "method=%s hub=%s peer=%s code=%d", c->method->name,
                 log_text(text, sizeof(text), hub, strlen(hub)), c->caller->peer, why->code);
    else
        log_info("administration", "method=%s hub=%s peer=%s", c->method->name,
                 log_text(text, sizeof(text), hub, strlen(hub)), c->caller->peer);
}

static struct record *
run(const struct rpc_call *c, const struct rpc_handler_row *row, GError **error)
{
    GError *why = NULL;
    struct record *out = row->run(c, &why);

    g_assert((out == NULL) == (why != NULL));
    if (c->method->changes)
        write_log(c, why);
    if (why)
        g_propagate_error(error, why);
    return out;
}

static const char *
password_in(const struct rpc_handler_row *row, const struct record *in)
{
    const char *password = row->password ? record_text(in, row->password) : "";

    return password[0] ? password : NULL;
}

struct record *
rpc_dispatch(struct rpc_server *s, const struct rpc_caller *caller, const char *method,
             const struct record *in, GError **error)
{
    const struct rpc_handler_row *row;
    const struct rpc_method *m = find_method(s, method, caller, in, &row, error);

    if (!m)
        return NULL;
    const char *password = password_in(row, in);
    char *verifier = password ? password_make_verifier(password) : NULL;
    struct rpc_call c = {s, &s->host, caller, m, in, verifier};
    struct record *out = run(&c, row, error);
    secret_free_str(verifier);
    return out;
}

/* ---- without blocking ---- */

struct pending {
    struct rpc_job job;
    struct rpc_caller caller;
    const struct rpc_method *method;
    const struct rpc_handler_row *row;
    struct record *in;
    char *verifier;
    GError *refused;
    rpc_done *done;
    void *owner;
};

static void
hash_password(struct rpc_job *j)
{
    struct pending *p = container_of(j, struct pending, job);

    p->verifier = password_make_verifier(password_in(p->row, p->in));
}

static void
finish_call(struct rpc_job *j, bool closed)
{
    struct pending *p = container_of(j, struct pending, job);
    struct rpc_server *s = j->server;
    GError *error = g_steal_pointer(&p->refused);
    struct record *out = NULL;

    struct rpc_call c = {s, &s->host, &p->caller, p->method, p->in, p->verifier};
    if (!error && closed)
        rpc_fail(&error, PE_CANCELLED, "the server is stopping");
    if (!error)
        out = run(&c, p->row, &error);
    p->done(p->owner, out, error);
    g_clear_error(&error);
    record_free(p->in);
    secret_free_str(p->verifier);
    g_free(p);
}

void
rpc_dispatch_async(struct rpc_server *s, const struct rpc_caller *caller, const char *method,
                   struct record *in, rpc_done *done, void *owner)
{
    struct pending *p = g_new0(struct pending, 1);

    p->job.work = hash_password;
    p->job.finish = finish_call;
    p->caller = *caller;
    p->in = in;
    p->done = done;
    p->owner = owner;
    p->method = find_method(s, method, caller, in, &p->row, &p->refused);
    if (p->method && password_in(p->row, in))
        rpc_job_start(s, &p->job);
    else
        rpc_job_to_control(s, &p->job);
}
