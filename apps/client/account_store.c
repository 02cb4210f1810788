/* SPDX-License-Identifier: Apache-2.0 */
/* account_store.c - see account_store.h. */
#include "apps/client/account_store.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/crypto/sealed.h"
#include "platform/platform.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <string.h>

enum { MACHINE_BYTES = 20, FORMAT = 1 };

struct account_store {
    char *folder; /* of the account files */
    struct sealed_key *key;
    GHashTable *by_id; /* struct account, owned */
    uint8_t machine[MACHINE_BYTES];
};

/* ---- secrets ---- */

static char *
context_of(const struct account *a, const char *field)
{
    return g_strdup_printf("client/accounts/%s/%s", a->id, field);
}

static void
put_sealed(json_t *o, const struct account_store *s, const struct account *a, const char *field,
           const void *bytes, size_t len)
{
    g_autofree char *context = context_of(a, field);
    g_autoptr(GBytes) sealed = sealed_seal(s->key, context, bytes, len);
    gsize size;
    const guchar *at = g_bytes_get_data(sealed, &size);
    g_autofree char *text = g_base64_encode(at, size);

    json_object_set_new(o, field, json_string(text));
}

/* True also when the field is missing: then *out stays NULL. */
static bool
get_sealed(const json_t *o, const struct account_store *s, const struct account *a,
           const char *field, struct secret **out)
{
    const char *text = json_string_value(json_object_get(o, field));

    if (!text)
        return true;
    g_autofree char *context = context_of(a, field);
    gsize len;
    g_autofree guchar *sealed = g_base64_decode(text, &len);
    *out = sealed_open(s->key, context, sealed, len);
    return *out != NULL;
}

static json_t *
secrets_to_json(const struct account_store *s, const struct account *a)
{
    json_t *o = json_object();

    if (a->has_password && a->login == ACCOUNT_PASSWORD)
        put_sealed(o, s, a, "user_hash", a->user_hash, sizeof a->user_hash);
    if (a->has_password && a->login == ACCOUNT_PLAIN)
        put_sealed(o, s, a, "password", a->password->bytes, a->password->len);
    if (a->key_pem)
        put_sealed(o, s, a, "key", a->key_pem->bytes, a->key_pem->len);
    if (a->proxy_password)
        put_sealed(o, s, a, "proxy_password", a->proxy_password->bytes, a->proxy_password->len);
    return o;
}

static bool
secrets_from_json(const struct account_store *s, struct account *a, const json_t *o)
{
    struct secret *hash = NULL;
    bool ok = get_sealed(o, s, a, "user_hash", &hash) &&
              get_sealed(o, s, a, "password", &a->password) &&
              get_sealed(o, s, a, "key", &a->key_pem) &&
              get_sealed(o, s, a, "proxy_password", &a->proxy_password);

    if (ok && hash && hash->len == sizeof a->user_hash) {
        memcpy(a->user_hash, hash->bytes, sizeof a->user_hash);
        a->has_password = true;
    }
    if (a->password)
        a->has_password = true;
    secret_free(hash);
    return ok;
}

/* ---- one file ---- */

static char *
path_of(const struct account_store *s, const char *id)
{
    g_autofree char *file = g_strconcat(id, ".json", NULL);
    return g_build_filename(s->folder, file, NULL);
}

static bool
is_id(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n == (size_t)ACCOUNT_ID_BYTES * 2 && text[n] == 0;
}

static bool
save(const struct account_store *s, const struct account *a, GError **error)
{
    json_t *o = json_object();

    json_object_set_new(o, "format", json_integer(FORMAT));
    json_object_set_new(o, "account", account_to_json(a));
    json_object_set_new(o, "secrets", secrets_to_json(s, a));
    json_object_set_new(o, "has_worked", json_boolean(a->has_worked));
    char *text = json_dumps(o, JSON_INDENT(2) | JSON_SORT_KEYS);
    g_autofree char *path = path_of(s, a->id);
    bool ok = pf_file_replace(path, text, strlen(text), 0600, error);
    free(text);
    json_decref(o);
    return ok;
}

static bool
damaged(GError **error, const char *why)
{
    g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, why);
    return false;
}

static bool
fill(const struct account_store *s, struct account *a, const json_t *o, GError **error)
{
    json_t *fields = json_object_get(o, "account");

    if (json_integer_value(json_object_get(o, "format")) != FORMAT)
        return damaged(error, "the file is of another version");
    if (!json_is_object(fields))
        return damaged(error, "there is no account in the file");
    (void)json_object_del(fields, "has_password"); /* said by the secrets below */
    (void)json_object_del(fields, "has_key");
    (void)json_object_del(fields, "has_proxy_password");
    if (!account_apply(a, fields, error))
        return false;
    if (!secrets_from_json(s, a, json_object_get(o, "secrets")))
        return damaged(error, "a secret in the file does not open with the key of this folder");
    a->has_worked = json_is_true(json_object_get(o, "has_worked"));
    return account_check(a, error);
}

/* NULL and error when the file is not an account. */
static struct account *
load(const struct account_store *s, const char *id, GError **error)
{
    g_autofree char *path = path_of(s, id);
    g_autofree char *text = NULL;
    gsize len;
    json_error_t where;

    if (!g_file_get_contents(path, &text, &len, error))
        return NULL;
    json_t *o =
        len <= ACCOUNT_FILE_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &where) : NULL;
    if (!o) {
        (void)damaged(error, "the file is not JSON");
        return NULL;
    }
    struct account *a = account_new();
    g_free(a->id);
    a->id = g_strdup(id);
    bool ok = fill(s, a, o, error);
    json_decref(o);
    if (!ok)
        g_clear_pointer(&a, account_free);
    return a;
}

/* ---- the folder ---- */

const struct account *
account_store_get(const struct account_store *s, const char *name)
{
    GHashTableIter at;
    gpointer value;

    g_hash_table_iter_init(&at, s->by_id);
    while (g_hash_table_iter_next(&at, NULL, &value)) {
        const struct account *a = value;
        if (strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

static void
load_one(struct account_store *s, const char *file)
{
    g_autofree char *id =
        g_str_has_suffix(file, ".json") ? g_strndup(file, strlen(file) - 5) : NULL;
    g_autoptr(GError) error = NULL;

    if (!id || !is_id(id))
        return;
    struct account *a = load(s, id, &error);
    if (a && account_store_get(s, a->name)) {
        g_set_error(&error, PE_ERROR, PE_EXISTS, "another account has the name '%s'", a->name);
        g_clear_pointer(&a, account_free);
    }
    if (a)
        g_hash_table_insert(s->by_id, a->id, a);
    else
        log_warning("an account is left out", "file=%s/%s reason=\"%s\"", s->folder, file,
                    error->message);
}

static bool
load_all(struct account_store *s, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(s->folder, 0, error);
    const char *file;

    if (!dir)
        return false;
    while ((file = g_dir_read_name(dir)) && files->len < ACCOUNT_STORE_MAX)
        g_ptr_array_add(files, g_strdup(file));
    g_dir_close(dir);
    for (guint i = 0; i < files->len; i++)
        load_one(s, g_ptr_array_index(files, i));
    return true;
}

static bool
load_machine(struct account_store *s, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "machine", NULL);
    g_autofree char *bytes = NULL;
    gsize len;

    if (g_file_get_contents(path, &bytes, &len, NULL) && len == sizeof s->machine) {
        memcpy(s->machine, bytes, sizeof s->machine);
        return true;
    }
    random_bytes(s->machine, sizeof s->machine);
    return pf_file_replace(path, s->machine, sizeof s->machine, 0600, error);
}

static bool
make_folder(const char *path, GError **error)
{
    if (g_mkdir_with_parents(path, 0700) == 0)
        return true;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "the folder %s cannot be made: %s", path, g_strerror(errno));
    return false;
}

struct account_store *
account_store_open(const char *folder, GError **error)
{
    struct account_store *s = g_new0(struct account_store, 1);
    g_autofree char *key = g_build_filename(folder, "client.key", NULL);

    s->folder = g_build_filename(folder, "accounts", NULL);
    s->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)account_free);
    if (make_folder(s->folder, error)) {
        /* Without its key the accounts would be lost silently: made only where there are none. */
        g_autoptr(GDir) dir = g_dir_open(s->folder, 0, NULL);
        s->key = sealed_key_load(key, dir && !g_dir_read_name(dir), error);
    }
    if (s->key && load_machine(s, folder, error) && load_all(s, error))
        return s;
    account_store_free(s);
    return NULL;
}

void
account_store_free(struct account_store *s)
{
    if (!s)
        return;
    g_hash_table_unref(s->by_id);
    sealed_key_free(s->key);
    g_free(s->folder);
    g_free(s);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    const struct account *const *x = a, *const *y = b;
    return g_utf8_collate((*x)->name, (*y)->name);
}

GPtrArray *
account_store_all(struct account_store *s)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter at;
    gpointer value;

    g_hash_table_iter_init(&at, s->by_id);
    while (g_hash_table_iter_next(&at, NULL, &value))
        g_ptr_array_add(all, value);
    g_ptr_array_sort(all, by_name);
    return all;
}

bool
account_store_put(struct account_store *s, struct account *a, GError **error)
{
    const struct account *other = account_store_get(s, a->name);

    if (other && strcmp(other->id, a->id) != 0) {
        g_set_error(error, PE_ERROR, PE_ACCOUNT_EXISTS, "an account '%s' exists already", a->name);
        return false;
    }
    if (!g_hash_table_contains(s->by_id, a->id) &&
        g_hash_table_size(s->by_id) >= ACCOUNT_STORE_MAX) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "there are %d accounts already",
                    ACCOUNT_STORE_MAX);
        return false;
    }
    if (!account_check(a, error) || !save(s, a, error))
        return false;
    g_hash_table_replace(s->by_id, a->id, a);
    return true;
}

bool
account_store_delete(struct account_store *s, const char *name, GError **error)
{
    const struct account *a = account_store_get(s, name);

    if (!a) {
        g_set_error(error, PE_ERROR, PE_ACCOUNT_NOT_FOUND, "there is no account '%s'", name);
        return false;
    }
    g_autofree char *path = path_of(s, a->id);
    if (g_unlink(path) != 0 && errno != ENOENT) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "%s cannot be removed: %s", path, g_strerror(errno));
        return false;
    }
    g_hash_table_remove(s->by_id, a->id);
    return true;
}

const uint8_t *
account_store_machine(const struct account_store *s)
{
    return s->machine;
}
