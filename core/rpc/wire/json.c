/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - see json.h: text, values, records. The envelope is in envelope.c. */
#include "core/rpc/wire/json.h"

#include "core/base/error.h"
#include "core/base/secret.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Looks at brackets and commas outside of text, so that the parser never goes deeper or allocates
 * more than the limits allow. Bad syntax is left for the parser to find. */
static bool
within_limits(const char *text, size_t len, size_t most_values)
{
    size_t depth = 0, values = 0;
    bool in_text = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_text) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_text = false;
            continue;
        }
        bool opens = c == '[' || c == '{';
        if (c == '"')
            in_text = true;
        if ((c == ']' || c == '}') && depth > 0)
            depth--;
        depth += opens;
        values += opens || c == ',';
        if (depth > RPC_JSON_DEPTH || values > most_values)
            return false;
    }
    return true;
}

static json_t *
parse(const char *text, size_t len, size_t most_bytes, size_t most_values, GError **error)
{
    json_error_t why;

    if (len > most_bytes || !within_limits(text, len, most_values)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the text is too large, or nested too deeply");
        return NULL;
    }
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!value)
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "this is not JSON: line %d, column %d",
                    why.line, why.column);
    return value;
}

json_t *
rpc_json_parse(const char *text, size_t len, GError **error)
{
    return parse(text, len, RPC_JSON_BYTES, RPC_JSON_VALUES, error);
}

json_t *
rpc_json_parse_answer(const char *text, size_t len, GError **error)
{
    return parse(text, len, RPC_JSON_ANSWER_BYTES, RPC_JSON_ANSWER_VALUES, error);
}

char *
rpc_json_print(const json_t *value)
{
    char *made = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    g_assert(made); /* all text in it is valid UTF-8 */
    char *copy = g_strdup(made);
    secret_wipe(made, strlen(made));
    free(made); /* jansson allocates with malloc() */
    return copy;
}

/* ---- values taken ---- */

static bool
text_to_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes", "on"};
    static const char *const no[] = {"false", "0", "no", "off", ""};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (g_ascii_strcasecmp(text, yes[i]) == 0) {
            *out = true;
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (g_ascii_strcasecmp(text, no[i]) == 0) {
            *out = false;
            return true;
        }
    return false;
}

static bool
to_bool(const json_t *v, bool *out)
{
    if (json_is_boolean(v))
        *out = json_is_true(v);
    else if (json_is_integer(v))
        *out = json_integer_value(v) != 0;
    else
        return json_is_string(v) && text_to_bool(json_string_value(v), out);
    return true;
}

static bool
to_number(const json_t *v, uint64_t most, uint64_t *out)
{
    uint64_t n = 0;

    if (json_is_boolean(v)) {
        n = json_is_true(v) ? 1 : 0;
    } else if (json_is_integer(v)) {
        if (json_integer_value(v) < 0)
            return false;
        n = (uint64_t)json_integer_value(v);
    } else if (json_is_real(v)) {
        double d = json_real_value(v);
        if (!(d >= 0 && d <= 9007199254740992.0) || floor(d) != d)
            return false;
        n = (uint64_t)d;
    } else if (json_is_string(v)) {
        const char *text = json_string_value(v);
        if (text[0] && !g_ascii_string_to_unsigned(text, 10, 0, most, &n, NULL))
            return false;
    } else {
        return false;
    }
    if (n > most)
        return false;
    *out = n;
    return true;
}

/* Text, or what can be written as text. g_free. */
static char *
to_text(const json_t *v)
{
    if (json_is_string(v))
        return g_strdup(json_string_value(v));
    if (json_is_boolean(v))
        return g_strdup(json_is_true(v) ? "true" : "false");
    if (json_is_integer(v))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
    if (json_is_real(v)) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        return g_strdup(g_ascii_dtostr(number, sizeof(number), json_real_value(v)));
    }
    return NULL;
}

static bool
is_base64(const char *text)
{
    size_t n = 0, pad = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '\r' || *p == '\n')
            continue;
        if (*p == '=')
            pad++;
        else if (pad > 0 || !(g_ascii_isalnum(*p) || *p == '+' || *p == '/'))
            return false;
        n++;
    }
    return n % 4 == 0 && pad <= 2;
}

static bool
to_bin(const json_t *v, guchar **out, gsize *len)
{
    if (!json_is_string(v) || !is_base64(json_string_value(v)))
        return false;
    *out = g_base64_decode(json_string_value(v), len);
    return true;
}

static bool
to_dt(const json_t *v, int64_t *ms)
{
    static const int64_t last_ms = 253402300799999; /* 9999-12-31 */

    if (json_is_string(v))
        return rpc_dt_parse(json_string_value(v), ms);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > last_ms)
        return false;
    *ms = json_integer_value(v);
    return true;
}

static bool
to_ip(const json_t *v, struct ip *ip)
{
    if (!json_is_string(v))
        return false;
    memset(ip, 0, sizeof(*ip));
    return !json_string_value(v)[0] || ip_parse(json_string_value(v), ip);
}

const char *
rpc_dt_print(int64_t ms, char out[RPC_DT_TEXT])
{
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(ms >= 0 ? ms / 1000 : 0);

    if (!t || g_date_time_get_year(t) > 9999) {
        g_strlcpy(out, "9999-12-31T23:59:59.999Z", RPC_DT_TEXT);
        return out;
    }
    g_snprintf(out, RPC_DT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", g_date_time_get_year(t),
               g_date_time_get_month(t), g_date_time_get_day_of_month(t), g_date_time_get_hour(t),
               g_date_time_get_minute(t), g_date_time_get_second(t),
               ms >= 0 ? (int)(ms % 1000) : 0);
    return out;
}

bool
rpc_dt_parse(const char *text, int64_t *ms)
{
    char whole[64];

    if (!text[0]) {
        *ms = 0;
        return true;
    }
    if (strlen(text) >= 48)
        return false;
    bool date_only = strlen(text) == 10;
    g_snprintf(whole, sizeof(whole), "%s%s", text, date_only ? "T00:00:00Z" : "");
    if (whole[10] == ' ')
        whole[10] = 'T';
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(whole, utc);
    if (!t)
        return false;
    int64_t at = g_date_time_to_unix(t) * 1000 + g_date_time_get_microsecond(t) / 1000;
    if (at < 0)
        return false;
    *ms = at;
    return true;
}

/* ---- records taken ---- */

static const char *const type_wants[] = {
    [RPC_BOOL] = "true or false",
    [RPC_U32] = "a whole number up to 4294967295",
    [RPC_U64] = "a whole number",
    [RPC_STR] = "text",
    [RPC_UTF] = "text",
    [RPC_BIN] = "bytes in Base64",
    [RPC_DT] = "a time like 2030-12-31T00:00:00Z",
    [RPC_IP] = "an IP address",
    [RPC_LIST] = "a list of objects",
};

static bool
take_text(struct record *r, const struct rpc_field *f, const json_t *v)
{
    char *text = to_text(v);

    if (!text)
        return false;
    if (f->flags & RPC_ARRAY)
        record_append_text(r, f->name, text);
    else
        record_set_text(r, f->name, text);
    secret_free_str(text);
    return true;
}

static bool
take_bin(struct record *r, const struct rpc_field *f, const json_t *v)
{
    guchar *bytes = NULL;
    gsize len = 0;

    if (!to_bin(v, &bytes, &len))
        return false;
    if (f->flags & RPC_ARRAY)
        record_append_bin(r, f->name, bytes, len);
    else
        record_set_bin(r, f->name, bytes, len);
    secret_wipe(bytes, len);
    g_free(bytes);
    return true;
}

static bool
take_number(struct record *r, const struct rpc_field *f, const json_t *v, enum rpc_type type)
{
    uint64_t n = 0;

    if (!to_number(v, type == RPC_U32 ? UINT32_MAX : UINT64_MAX, &n))
        return false;
    if (type == RPC_U64)
        record_set_u64(r, f->name, n);
    else if (f->flags & RPC_ARRAY)
        record_append_u32(r, f->name, (uint32_t)n);
    else
        record_set_u32(r, f->name, (uint32_t)n);
    return true;
}

/* One value of a field that is not a list. */
static bool
take_value(struct record *r, const struct rpc_field *f, const json_t *v)
{
    enum rpc_type type = rpc_type_of(f->name);
    bool flag = false;
    int64_t ms = 0;
    struct ip ip;

    switch (type) {
    case RPC_BOOL:
        if (!to_bool(v, &flag))
            return false;
        record_set_bool(r, f->name, flag);
        return true;
    case RPC_U32:
    case RPC_U64:
        return take_number(r, f, v, type);
    case RPC_STR:
    case RPC_UTF:
        return take_text(r, f, v);
    case RPC_BIN:
        return take_bin(r, f, v);
    case RPC_DT:
        if (!to_dt(v, &ms))
            return false;
        record_set_dt(r, f->name, ms);
        return true;
    case RPC_IP:
        if (!to_ip(v, &ip))
            return false;
        record_set_ip(r, f->name, &ip);
        return true;
    case RPC_NO_TYPE:
    case RPC_LIST:
        break;
    }
    return false;
}

static bool take_fields(struct record *r, const json_t *object, const struct rpc_field *fields,
                        unsigned depth, GError **error);

static bool
take_field(struct record *r, const struct rpc_field *f, const json_t *v, unsigned depth,
           GError **error)
{
    enum rpc_type type = rpc_type_of(f->name);
    bool many = type == RPC_LIST || (f->flags & RPC_ARRAY);

    if (!many && take_value(r, f, v))
        return true;
    if (!many || !json_is_array(v)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "'%s' must be %s%s", f->name,
                    many && type != RPC_LIST ? "an array, each value " : "", type_wants[type]);
        return false;
    }
    record_make_array(r, f->name);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        if (type == RPC_LIST && json_is_object(item)) {
            if (!take_fields(record_append(r, f->name), item, f->members, depth + 1, error))
                return false;
        } else if (type == RPC_LIST || !take_value(r, f, item)) {
            g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "'%s': value %zu must be %s",
                        f->name, i + 1, type == RPC_LIST ? "an object" : type_wants[type]);
            return false;
        }
    }
    return true;
}

static bool
take_fields(struct record *r, const json_t *object, const struct rpc_field *fields, unsigned depth,
            GError **error)
{
    struct rpc_field_iter it = rpc_fields(fields);
    const struct rpc_field *f;

    g_assert(depth < RPC_JSON_DEPTH); /* the tables are not that deep */
    while ((f = rpc_field_next(&it)) != NULL) {
        const json_t *v = json_object_get(object, f->name);
        if (v && !json_is_null(v) && !take_field(r, f, v, depth, error))
            return false;
    }
    return true;
}

struct record *
record_from_json(const json_t *object, const struct rpc_field *fields, GError **error)
{
    g_autoptr(record_t) r = record_new();

    if (!json_is_object(object)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "an object with fields is needed");
        return NULL;
    }
    if (!take_fields(r, object, fields, 0, error))
        return NULL;
    return g_steal_pointer(&r);
}

/* ---- records given ---- */

static json_t *
number_to_json(uint64_t n)
{
    /* A JSON integer of jansson is signed; what is larger goes as text, which is taken as well. */
    char text[24];

    if (n <= INT64_MAX)
        return json_integer((json_int_t)n);
    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, n);
    return json_string(text);
}

static json_t *
bin_to_json(const void *bytes, size_t len)
{
    char *text = g_base64_encode(bytes, len);
    json_t *made = json_string(text);

    secret_free_str(text);
    return made;
}

static json_t *
ip_to_json(const struct ip *ip)
{
    char text[IP_TEXT];

    return json_string(ip->family ? ip_print(ip, text) : "0.0.0.0");
}

static json_t *
value_to_json(const struct record *r, const struct rpc_field *f, unsigned i, bool secrets)
{
    char dt[RPC_DT_TEXT];
    size_t len = 0;
    struct ip ip;

    switch (rpc_type_of(f->name)) {
    case RPC_BOOL:
        return json_boolean(record_bool(r, f->name));
    case RPC_U32:
        return json_integer(record_u32_at(r, f->name, i));
    case RPC_U64:
        return number_to_json(record_u64(r, f->name));
    case RPC_STR:
    case RPC_UTF:
        return json_string(record_text_at(r, f->name, i));
    case RPC_BIN: {
        const void *bytes = record_bin_at(r, f->name, i, &len);
        return bin_to_json(bytes, len);
    }
    case RPC_DT:
        return json_string(rpc_dt_print(record_dt(r, f->name), dt));
    case RPC_IP:
        ip = record_ip(r, f->name);
        return ip_to_json(&ip);
    case RPC_LIST:
        return record_to_json(record_at(r, f->name, i), f->members, secrets);
    case RPC_NO_TYPE:
        break;
    }
    return json_null();
}

json_t *
record_to_json(const struct record *r, const struct rpc_field *fields, bool secrets)
{
    json_t *object = json_object();
    struct rpc_field_iter it = rpc_fields(fields);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL) {
        bool has = record_has(r, f->name);
        if ((f->flags & RPC_SECRET) && !secrets)
            continue;
        if (!has && (f->flags & (RPC_OPTIONAL | RPC_SECRET)))
            continue;
        if (rpc_type_of(f->name) != RPC_LIST && !(f->flags & RPC_ARRAY)) {
            json_object_set_new(object, f->name, value_to_json(r, f, 0, secrets));
            continue;
        }
        json_t *array = json_array();
        for (unsigned i = 0; i < record_count(r, f->name); i++)
            json_array_append_new(array, value_to_json(r, f, i, secrets));
        json_object_set_new(object, f->name, array);
    }
    return object;
}
