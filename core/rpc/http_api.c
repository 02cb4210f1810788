/* SPDX-License-Identifier: Apache-2.0 */
/* http_api.c - a request's way through the API: guard, login, dispatcher, response. See http_api.h.
 *
 * A call is made on the thread that has the connection (home), goes to control as a job, and comes
 * back with its response. `cancelled` is written and read at home only. Nobody but the call itself
 * frees it, in its last step. */
#include "core/rpc/http_api.h"

#include "core/base/secret.h"
#include "core/rpc/http_request.h"
#include "core/rpc/login.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/api_doc.h"
#include "core/rpc/wire/json.h"

#include <string.h>

struct rpc_http_call {
    struct rpc_job job; /* home to control */
    struct rpc_server *server;
    struct worker *home; /* NULL: control itself */
    rpc_http_done *done;
    void *owner;
    bool cancelled;

    bool well_formed;
    struct api_request request;
    GBytes *body;
    struct rpc_http_peer peer;
    bool origin_listed, logged_in;

    struct rpc_request envelope;
    const struct rpc_method *method; /* whose table prints the answer */
    GBytes *response;
    bool close;
};

bool
rpc_http_is_api(const struct http_head *head)
{
    static const char target[] = "/api";
    const struct http_span *t = &head->target;
    size_t n = strlen(target);

    if (t->len < n || g_ascii_strncasecmp(t->at, target, n) != 0)
        return false;
    return t->len == n || t->at[n] == '/' || t->at[n] == '?';
}

bool
rpc_http_reserve(struct rpc_server *s, uint64_t len)
{
    if (len > RPC_BODY_MAX)
        return false;
    if (atomic_fetch_add(&s->body_bytes, len) + len <= RPC_BODY_TOTAL)
        return true;
    atomic_fetch_sub(&s->body_bytes, len);
    return false;
}

void
rpc_http_release(struct rpc_server *s, uint64_t len)
{
    atomic_fetch_sub(&s->body_bytes, len);
}

/* ---- the way back ---- */

static void
call_free(struct rpc_http_call *c)
{
    api_request_clear(&c->request);
    rpc_request_clear(&c->envelope);
    if (c->body)
        g_bytes_unref(c->body);
    if (c->response)
        g_bytes_unref(c->response);
    g_free(c);
}

static void
deliver(void *data)
{
    struct rpc_http_call *c = data;

    if (!c->cancelled)
        c->done(c->owner, c->response, c->close);
    call_free(c);
}

/* The last step of a call. Control. */
static void
respond(struct rpc_http_call *c, unsigned status, const char *type, const char *body)
{
    struct api_response r = {
        .status = status,
        .type = type,
        .origin = c->origin_listed ? c->request.origin : NULL,
        .close = c->request.close || status == 400 || status == 503,
        .body = body,
    };

    c->response = api_response_make(&r);
    c->close = r.close;
    if (c->home)
        worker_call(c->home, deliver, c);
    else
        deliver(c);
}

static void
respond_text(struct rpc_http_call *c, unsigned status, const char *text)
{
    respond(c, status, "text/plain; charset=UTF-8", text);
}

GBytes *
rpc_http_error(unsigned status)
{
    struct api_response r = {
        .status = status, .type = "text/plain; charset=UTF-8", .close = true, .body = ""};

    return api_response_make(&r);
}

/* A GET has its answer shown by a browser; a POST is for programs. Takes text. */
static void
respond_json(struct rpc_http_call *c, char *text)
{
    respond(c, 200,
            c->request.verb == API_GET ? "text/plain; charset=UTF-8"
                                       : "application/json; charset=UTF-8",
            text);
    secret_free_str(text);
}

/* ---- the call ---- */

static void
called(void *owner, struct record *out, const GError *error)
{
    struct rpc_http_call *c = owner;

    if (c->server->closed)
        call_free(c);
    else if (error)
        respond_json(c, rpc_error_print(error, c->envelope.id));
    else
        respond_json(
            c, rpc_response_print(record_to_json(out, c->method->out, false), c->envelope.id));
    record_free(out);
}

static bool
read_post(struct rpc_http_call *c, GError **error)
{
    gsize len = 0;
    const char *text = c->body ? g_bytes_get_data(c->body, &len) : NULL;

    return rpc_request_parse(text ? text : "", len, &c->envelope, error);
}

static bool
read_get(struct rpc_http_call *c, GError **error)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *id = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");

    c->envelope.id = json_string(id);
    c->envelope.method = g_strdup(c->request.method);
    c->envelope.params = api_query_parse(c->request.query);
    return c->envelope.params != NULL ||
           rpc_fail(error, PE_INVALID_PARAMETER, "the query is not well formed");
}

static void
dispatch(struct rpc_http_call *c, const struct rpc_caller *caller)
{
    GError *error = NULL;
    struct record *in = NULL;
    bool ok = c->request.verb == API_GET ? read_get(c, &error) : read_post(c, &error);

    if (ok) {
        c->method = rpc_method_find(c->envelope.method);
        in = c->method ? record_from_json(c->envelope.params, c->method->in, &error) : record_new();
    }
    if (in) {
        rpc_dispatch_async(c->server, caller, c->envelope.method, in, called, c);
        return;
    }
    respond_json(c, rpc_error_print(error, c->envelope.id));
    g_error_free(error);
}

static void
serve(struct rpc_http_call *c, const struct rpc_caller *caller)
{
    bool has_method = c->request.method[0] != 0;

    c->logged_in = true;
    if (c->request.verb == API_POST && has_method) {
        respond_text(c, 404, "POST goes to /api/; the method is named in the body.\n");
        return;
    }
    if (c->request.verb == API_POST || has_method) {
        dispatch(c, caller);
        return;
    }
    g_autofree char *text = rpc_api_doc();
    respond_text(c, 200, text);
}

/* ---- login and guard ---- */

static void
logged_in(void *owner, enum login_result result, const struct rpc_caller *caller)
{
    struct rpc_http_call *c = owner;

    switch (result) {
    case LOGIN_OK:
        serve(c, caller);
        break;
    case LOGIN_WRONG:
        respond_text(c, 401, "The login was refused.\n");
        break;
    case LOGIN_NO_PASSWORD:
        respond_text(c, 401,
                     "This server has no administrator password yet, so it cannot be administered "
                     "from here. Set one on its machine: polyetherctl server password set\n");
        break;
    case LOGIN_BANNED:
        respond_text(c, 429, "There were too many wrong logins from this address. Wait.\n");
        break;
    case LOGIN_CLOSED:
        call_free(c);
        break;
    case LOGIN_BUSY:
        respond_text(c, 503, "Too many logins wait to be checked. Try again.\n");
        break;
    }
}

static bool
is_listed(struct rpc_server *s, const char *origin)
{
    g_autofree char *all = store_get_text(s->host.store, RPC_SETTING_CORS_ORIGINS);
    g_auto(GStrv) list = g_strsplit_set(all ? all : "", " ,\n", -1);

    return origin && origin[0] && g_strv_contains((const char *const *)list, origin);
}

static bool
is_off(struct rpc_server *s)
{
    g_autofree char *value = store_get_text(s->host.store, RPC_SETTING_API_OFF);

    return value && strcmp(value, "1") == 0;
}

/* What can be answered without a login; true when it was. */
static bool
guard(struct rpc_http_call *c)
{
    if (!c->peer.local_admin && is_off(c->server))
        respond_text(c, 404, "There is nothing here.\n");
    else if (!c->well_formed)
        respond_text(c, 400, "The target is not well formed.\n");
    else if (c->request.verb == API_OPTIONS)
        respond(c, 200, NULL, NULL);
    else if (c->request.foreign && !c->origin_listed)
        respond_text(c, 403, "Pages of other origins may not call the API of this server.\n");
    else if (c->request.verb == API_OTHER)
        respond_text(c, 405, "The API takes POST and GET.\n");
    else
        return false;
    return true;
}

static void
begin(struct rpc_job *j, bool closed)
{
    struct rpc_http_call *c = container_of(j, struct rpc_http_call, job);
    struct rpc_caller caller = {.rank = RPC_RANK_SERVER};

    if (closed) {
        call_free(c);
        return;
    }
    c->origin_listed = is_listed(c->server, c->request.origin);
    if (guard(c))
        return;
    if (c->peer.local_admin) {
        g_snprintf(caller.peer, sizeof(caller.peer), "uid %u", c->peer.uid);
        serve(c, &caller);
    } else if (c->request.has_login) {
        login_start(c->server, c->request.hub, c->request.password, &c->peer.address, logged_in, c);
    } else {
        respond_text(c, 401, "A login is needed: see docs/api.md.\n");
    }
}

struct rpc_http_call *
rpc_http_handle(struct rpc_server *s, const struct rpc_http_request *request, struct worker *w,
                rpc_http_done *done, void *owner)
{
    struct rpc_http_call *c = g_new0(struct rpc_http_call, 1);

    c->job.finish = begin;
    c->server = s;
    c->home = w;
    c->done = done;
    c->owner = owner;
    c->well_formed = api_request_read(request->head, &c->request);
    c->body = request->body ? g_bytes_ref(request->body) : NULL;
    c->peer = request->peer;
    rpc_job_to_control(s, &c->job);
    return c;
}

bool
rpc_http_logged_in(const struct rpc_http_call *c)
{
    return c->logged_in;
}

void
rpc_http_cancel(struct rpc_http_call *c)
{
    c->cancelled = true;
}
