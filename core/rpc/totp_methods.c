/* SPDX-License-Identifier: Apache-2.0 */
/* totp_methods.c - one-time codes of users. The secret is told once, when it is made. */
#include "core/auth/totp.h"
#include "core/base/secret.h"
#include "core/rpc/rpc_priv.h"

enum { DIGITS_USUAL = 6, DIGITS_LONG = 8 };

/* What apps show above the code. */
static char *
account_of(const struct rpc_call *c)
{
    return g_strdup_printf("%s@%s", record_text(c->in, "Name_str"),
                           record_text(c->in, "HubName_str"));
}

static bool
user_exists(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str"), *name = record_text(c->in, "Name_str");
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return false;
    store_hub_free(h);
    struct store_user *u = store_user_get(c->host->store, hub, name);
    if (!u)
        return rpc_fail(error, PE_NOT_FOUND, "hub '%s' has no user '%s'", hub, name);
    store_user_free(u);
    return true;
}

static bool
read_options(const struct rpc_call *c, enum totp_hash *hash, unsigned *digits, GError **error)
{
    const char *name = record_text(c->in, "Algorithm_str");

    *digits = record_u32(c->in, "Digits_u32");
    if (*digits == 0)
        *digits = DIGITS_USUAL;
    if (*digits != DIGITS_USUAL && *digits != DIGITS_LONG)
        return rpc_fail(error, PE_INVALID_PARAMETER, "a one-time code has 6 or 8 digits");
    return totp_hash_parse(name[0] ? name : "sha1", hash) ||
           rpc_fail(error, PE_INVALID_PARAMETER, "'%s' is not one of sha1, sha256 and sha512",
                    name);
}

static struct record *
make_totp(const struct rpc_call *c, GError **error)
{
    struct record *out = NULL;
    enum totp_hash hash;
    unsigned digits;
    struct totp t;

    if (!user_exists(c, error) || !read_options(c, &hash, &digits, error))
        return NULL;
    totp_make(hash, digits, &t);
    g_autofree char *account = account_of(c);
    char *kept = totp_print(&t), *uri = totp_uri(&t, "Polyether", account);
    if (store_user_set_totp(c->host->store, record_text(c->in, "HubName_str"),
                            record_text(c->in, "Name_str"), kept, error)) {
        out = rpc_echo(c);
        record_set_text(out, "Uri_str", uri);
    }
    secret_free_str(kept);
    secret_free_str(uri);
    secret_wipe(&t, sizeof(t));
    return out;
}

static struct record *
delete_totp(const struct rpc_call *c, GError **error)
{
    if (!user_exists(c, error))
        return NULL;
    return store_user_set_totp(c->host->store, record_text(c->in, "HubName_str"),
                               record_text(c->in, "Name_str"), NULL, error)
               ? rpc_echo(c)
               : NULL;
}

static struct record *
get_totp(const struct rpc_call *c, GError **error)
{
    if (!user_exists(c, error))
        return NULL;
    struct record *out = rpc_echo(c);
    char *kept = store_user_totp(c->host->store, record_text(c->in, "HubName_str"),
                                 record_text(c->in, "Name_str"));
    struct totp t;
    record_set_bool(out, "IsSet_bool", kept != NULL);
    if (kept && totp_parse(kept, &t)) {
        record_set_text(out, "Algorithm_str", totp_hash_name(t.hash));
        record_set_u32(out, "Digits_u32", t.digits);
        secret_wipe(&t, sizeof(t));
    }
    secret_free_str(kept);
    return out;
}

const struct rpc_handler_row rpc_totp_handlers[] = {
    {"MakeUserTotp", make_totp, NULL},
    {"GetUserTotp", get_totp, NULL},
    {"DeleteUserTotp", delete_totp, NULL},
    {NULL, NULL, NULL},
};
