/* SPDX-License-Identifier: Apache-2.0 */
/* login.h - who calls over the network: account and password against the verifiers in the store.
 *
 * Each request logs in anew, and scrypt is slow on purpose; so a login that was right is remembered
 * for a while, as a keyed hash of its password that never leaves this memory. A changed password
 * ends that at once, because the entry names the verifier it was right for.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/secret.h"
#include "core/rpc/server.h"

#include <stdbool.h>

enum { LOGIN_REMEMBER_S = 300, LOGIN_REMEMBERED = 64 };

struct login_cache;
struct login_cache *login_cache_new(void);
void login_cache_free(struct login_cache *c);
bool login_cache_has(struct login_cache *c, const char *account, const char *verifier,
                     const char *password, int64_t now_us);
void login_cache_add(struct login_cache *c, const char *account, const char *verifier,
                     const char *password, int64_t now_us);

enum login_result {
    LOGIN_OK,
    LOGIN_WRONG,
    LOGIN_BANNED,      /* the address has tried too often */
    LOGIN_NO_PASSWORD, /* the server administrator has none yet: no remote login */
    LOGIN_BUSY,        /* too many wait for a helper */
    LOGIN_CLOSED,      /* the server is being freed */
};

/* hub "" is the server administrator. Control; done comes there too, once, never from inside.
 * password is copied. caller: filled in for LOGIN_OK. */
typedef void login_done(void *owner, enum login_result result, const struct rpc_caller *caller);
void login_start(struct rpc_server *s, const char *hub, const struct secret *password,
                 const struct endpoint *peer, login_done *done, void *owner);
