/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - a server's administration for tests: a real store in a new folder, real hubs on one
 * worker, and a host whose listeners and certificate are only noted down. */
#pragma once

#include "core/base/error.h"
#include "core/base/worker.h"
#include "core/rpc/http_api.h"
#include "core/rpc/server.h"

#include <glib.h>
#include <glib/gstdio.h>

#include <stdlib.h>
#include <string.h>

#define FIXTURE_TAKEN_PORT 25 /* the system "refuses" this one */

struct fixture {
    char *folder;
    struct worker_set *workers;
    struct rpc_host host;
    struct rpc_server *server;
    GHashTable *ports; /* port -> enum rpc_listener_state */
    unsigned cert_changes;
    bool refuse_cert;
    bool banned;
    unsigned failures, successes;
};

static inline bool
fixture_listener_open(void *owner, uint16_t port, GError **error)
{
    struct fixture *f = owner;
    bool ok = port != FIXTURE_TAKEN_PORT;

    g_hash_table_insert(f->ports, GUINT_TO_POINTER(port),
                        GUINT_TO_POINTER(ok ? RPC_LISTENER_OPEN : RPC_LISTENER_ERROR));
    if (!ok)
        g_set_error(error, PE_ERROR, PE_CONNECT_FAILED, "port %u is in use", port);
    return ok;
}

static inline void
fixture_listener_close(void *owner, uint16_t port)
{
    struct fixture *f = owner;

    g_hash_table_remove(f->ports, GUINT_TO_POINTER(port));
}

static inline enum rpc_listener_state
fixture_listener_state(void *owner, uint16_t port)
{
    struct fixture *f = owner;

    return (enum rpc_listener_state)GPOINTER_TO_UINT(
        g_hash_table_lookup(f->ports, GUINT_TO_POINTER(port)));
}

static inline bool
fixture_cert_changed(void *owner, GError **error)
{
    struct fixture *f = owner;

    f->cert_changes++;
    if (f->refuse_cert)
        g_set_error(error, PE_ERROR, PE_INTERNAL, "TLS does not take it");
    return !f->refuse_cert;
}

static inline void
fixture_open(struct fixture *f, struct auth *auth)
{
    static const struct rpc_host_ops ops = {
        .listener_open = fixture_listener_open,
        .listener_close = fixture_listener_close,
        .listener_state = fixture_listener_state,
        .cert_changed = fixture_cert_changed,
    };
    GError *error = NULL;

    f->folder = g_dir_make_tmp("polyether-rpc-XXXXXX", &error);
    g_assert_no_error(error);
    f->ports = g_hash_table_new(NULL, NULL);
    f->workers = worker_set_new(1, &error);
    g_assert_no_error(error);
    f->host.store = store_open(f->folder, &error);
    g_assert_no_error(error);
    f->host.hubs = hubs_new(f->workers);
    f->host.auth = auth;
    f->host.bridges = g_ptr_array_new();
    f->host.ops = &ops;
    f->host.owner = f;
    f->server = rpc_server_new(&f->host);
}

static inline void
fixture_close(struct fixture *f)
{
    g_autoptr(GDir) dir = NULL;
    const char *name;

    rpc_server_free(f->server);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_ptr_array_unref(f->host.bridges);
    hubs_free(f->host.hubs);
    worker_set_free(f->workers);
    store_close(f->host.store);
    g_hash_table_unref(f->ports);
    dir = g_dir_open(f->folder, 0, NULL);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(f->folder, name, NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
}

/* "Name=value" pairs of a call, text for any type, ended by NULL. */
static inline struct record *
fixture_record(const char *pair, ...)
{
    struct record *r = record_new();
    va_list more;

    va_start(more, pair);
    for (const char *p = pair; p; p = va_arg(more, const char *)) {
        const char *equals = strchr(p, '=');
        g_autofree char *name = g_strndup(p, (gsize)(equals - p));
        const char *value = equals + 1;
        switch (rpc_type_of(name)) {
        case RPC_BOOL:
            record_set_bool(r, name, strcmp(value, "true") == 0);
            break;
        case RPC_U32:
            record_set_u32(r, name, (uint32_t)strtoul(value, NULL, 10));
            break;
        case RPC_DT:
            record_set_dt(r, name, strtoll(value, NULL, 10));
            break;
        default:
            record_set_text(r, name, value);
        }
    }
    va_end(more);
    return r;
}

static const struct rpc_caller fixture_admin = {.rank = RPC_RANK_SERVER, .peer = "test"};

/* Takes in. want: 0 or the code of the error. Returns the answer, NULL for an error. */
static inline struct record *
fixture_call_as(struct fixture *f, const struct rpc_caller *caller, const char *method,
                struct record *in, int want)
{
    g_autoptr(GError) error = NULL;
    struct record *out = rpc_dispatch(f->server, caller, method, in, &error);

    record_free(in);
    g_test_message("%s: %s", method, error ? error->message : "done");
    if (want == PE_OK) {
        g_assert_no_error(error);
        g_assert_nonnull(out);
    } else {
        g_assert_null(out);
        g_assert_error(error, PE_ERROR, want);
    }
    return out;
}

static inline struct record *
fixture_call(struct fixture *f, const char *method, struct record *in, int want)
{
    return fixture_call_as(f, &fixture_admin, method, in, want);
}

/* As above, and the answer does not matter. */
static inline void
fixture_do(struct fixture *f, const char *method, struct record *in, int want)
{
    record_free(fixture_call(f, method, in, want));
}
