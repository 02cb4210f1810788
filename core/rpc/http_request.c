/* SPDX-License-Identifier: Apache-2.0 */
/* http_request.c - see http_request.h. */
#include "core/rpc/http_request.h"

#include <jansson.h>

#include <string.h>

#define TARGET "/api"

/* ---- the head ---- */

static char *
span_dup(const struct http_span *s)
{
    return s ? g_strndup(s->at, s->len) : NULL;
}

static char *
field_dup(const struct http_head *head, const char *name)
{
    return span_dup(http_field(head, name));
}

static enum api_verb
verb_of(const struct http_head *head)
{
    if (http_span_is(&head->method, "POST"))
        return API_POST;
    if (http_span_is(&head->method, "GET"))
        return API_GET;
    return http_span_is(&head->method, "OPTIONS") ? API_OPTIONS : API_OTHER;
}

static bool
wants_close(const struct http_head *head)
{
    g_autofree char *value = field_dup(head, "Connection");

    if (value && g_ascii_strcasecmp(value, "close") == 0)
        return true;
    return !http_span_is(&head->version, "HTTP/1.1") &&
           !(value && g_ascii_strcasecmp(value, "keep-alive") == 0);
}

/* "https://host:port" or a whole address of a page: whether it is on the host asked. */
static bool
is_on_host(const char *address, const char *host)
{
    static const char scheme[] = "https://";

    if (!host || g_ascii_strncasecmp(address, scheme, strlen(scheme)) != 0)
        return false;
    const char *at = address + strlen(scheme);
    size_t len = strcspn(at, "/?#");
    return len == strlen(host) && g_ascii_strncasecmp(at, host, len) == 0;
}

/* A browser adds the login that it remembers to requests of any page, so those of other origins are
 * told apart: by Origin, by Sec-Fetch-Site, and in old browsers by Referer. */
static bool
is_foreign(const struct http_head *head, const char *origin)
{
    g_autofree char *host = field_dup(head, "Host");
    g_autofree char *site = field_dup(head, "Sec-Fetch-Site");
    g_autofree char *referer = field_dup(head, "Referer");

    if (origin)
        return !is_on_host(origin, host);
    if (site)
        return g_ascii_strcasecmp(site, "same-origin") != 0 &&
               g_ascii_strcasecmp(site, "none") != 0;
    return referer && !is_on_host(referer, host);
}

/* ---- login ---- */

static void
take_login(struct api_request *out, const char *hub, const char *password)
{
    out->has_login = true;
    out->hub = g_strdup(hub ? hub : "");
    out->password = secret_text(password);
}

/* "Basic" and base64 of "name:password" (RFC 7617). */
static void
take_basic(struct api_request *out, const char *value)
{
    static const char scheme[] = "Basic ";

    if (g_ascii_strncasecmp(value, scheme, strlen(scheme)) != 0)
        return;
    const char *coded = value + strlen(scheme);
    gsize len = 0;
    char *plain = (char *)g_base64_decode(coded, &len);
    plain = g_realloc(plain, len + 1);
    plain[len] = 0;
    char *colon = strchr(plain, ':');
    if (colon && strlen(plain) == len) {
        *colon = 0;
        bool whole = !plain[0] || g_ascii_strcasecmp(plain, "administrator") == 0;
        take_login(out, whole ? "" : plain, colon + 1);
    }
    secret_wipe(plain, len);
    g_free(plain);
}

static void
read_login(const struct http_head *head, struct api_request *out)
{
    char *password = field_dup(head, "X-VPNADMIN-PASSWORD");
    char *basic = password ? NULL : field_dup(head, "Authorization");

    if (password) {
        g_autofree char *hub = field_dup(head, "X-VPNADMIN-HUBNAME");
        take_login(out, hub, password);
    } else if (basic) {
        take_basic(out, basic);
    }
    secret_free_str(password);
    secret_free_str(basic);
}

/* ---- the target ---- */

static bool
read_target(const struct http_head *head, struct api_request *out)
{
    char *target = span_dup(&head->target);
    char *rest = target + MIN(strlen(TARGET), strlen(target));
    char *question = strchr(rest, '?');

    out->query = g_strdup(question ? question + 1 : "");
    if (question)
        *question = 0;
    out->method = g_uri_unescape_string(rest[0] == '/' ? rest + 1 : rest, "/");
    bool ok = out->method && g_utf8_validate(out->method, -1, NULL);
    secret_free_str(target);
    return ok;
}

bool
api_request_read(const struct http_head *head, struct api_request *out)
{
    memset(out, 0, sizeof(*out));
    out->verb = verb_of(head);
    out->close = wants_close(head);
    out->origin = field_dup(head, "Origin");
    out->foreign = is_foreign(head, out->origin);
    read_login(head, out);
    return read_target(head, out);
}

void
api_request_clear(struct api_request *r)
{
    g_free(r->origin);
    g_free(r->method);
    secret_free_str(r->query);
    g_free(r->hub);
    secret_free(r->password);
    memset(r, 0, sizeof(*r));
}

/* "+" is a space, "%41" a byte. NULL when it is not UTF-8 in the end. */
static char *
unescape(const char *text)
{
    g_autofree char *spaced = g_strdup(text);

    g_strdelimit(spaced, "+", ' ');
    char *plain = g_uri_unescape_string(spaced, NULL);
    if (plain && !g_utf8_validate(plain, -1, NULL))
        secret_free_str(g_steal_pointer(&plain));
    secret_wipe(spaced, strlen(spaced));
    return plain;
}

static bool
add_pair(json_t *object, char *pair)
{
    char *equals = strchr(pair, '=');

    if (!pair[0])
        return true;
    if (equals)
        *equals = 0;
    char *name = unescape(pair);
    char *value = unescape(equals ? equals + 1 : "");
    bool ok = name && value;
    if (ok && !json_object_get(object, name))
        json_object_set_new(object, name, json_string(value));
    g_free(name);
    secret_free_str(value);
    return ok;
}

json_t *
api_query_parse(const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", API_QUERY_FIELDS + 1);
    json_t *object = json_object();
    bool ok = g_strv_length(pairs) <= API_QUERY_FIELDS;

    for (char **p = pairs; *p; p++) {
        size_t len = strlen(*p);
        ok = ok && add_pair(object, *p);
        secret_wipe(*p, len);
    }
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- the response ---- */

static const char *
reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    default:
        return "Error";
    }
}

/* RFC 9110, 5.6.7; not strftime(), which speaks the language of the system. */
static void
append_date(GString *out)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    g_autoptr(GDateTime) t = g_date_time_new_now_utc();

    g_string_append_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                           days[g_date_time_get_day_of_week(t) - 1],
                           g_date_time_get_day_of_month(t), months[g_date_time_get_month(t) - 1],
                           g_date_time_get_year(t), g_date_time_get_hour(t),
                           g_date_time_get_minute(t), g_date_time_get_second(t));
}

static void
append_cors(GString *out, const char *origin)
{
    g_string_append_printf(out, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", origin);
    g_string_append(out, "Access-Control-Allow-Methods: OPTIONS,GET,POST\r\n"
                         "Access-Control-Allow-Headers: X-VPNADMIN-HUBNAME,X-VPNADMIN-PASSWORD,"
                         "Authorization,Content-Type\r\n"
                         "Access-Control-Allow-Credentials: true\r\n");
}

GBytes *
api_response_make(const struct api_response *r)
{
    GString *out = g_string_new(NULL);
    const char *body = r->body ? r->body : "";

    g_string_append_printf(out, "HTTP/1.1 %u %s\r\n", r->status, reason_of(r->status));
    append_date(out);
    g_string_append(out, "Cache-Control: no-cache, no-store\r\n"
                         "X-Content-Type-Options: nosniff\r\n");
    if (r->status == 401)
        g_string_append(out, "WWW-Authenticate: Basic realm=\"Polyether\", charset=\"UTF-8\"\r\n");
    if (r->status == 405 || (r->status == 200 && !r->body))
        g_string_append(out, "Allow: OPTIONS, GET, POST\r\n");
    if (r->origin)
        append_cors(out, r->origin);
    if (r->body)
        g_string_append_printf(out, "Content-Type: %s\r\n", r->type);
    g_string_append_printf(out, "Content-Length: %zu\r\nConnection: %s\r\n\r\n", strlen(body),
                           r->close ? "close" : "Keep-Alive");
    g_string_append(out, body);
    return g_string_free_to_bytes(out);
}
