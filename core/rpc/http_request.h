/* SPDX-License-Identifier: Apache-2.0 */
/* http_request.h - what the API wants to know of a request's head, copied out of it; and the
 * writing of responses. Pure; any thread. */
#pragma once

#include "core/base/http.h"
#include "core/base/secret.h"

#include <glib.h>
#include <jansson.h>

#include <stdbool.h>

enum api_verb { API_OTHER, API_OPTIONS, API_POST, API_GET };

struct api_request {
    enum api_verb verb;
    bool close;     /* the peer does not want to go on */
    bool foreign;   /* a web page of another origin sent it */
    char *origin;   /* or NULL */
    char *method;   /* after /api/; "" for none */
    char *query;    /* after the question mark; "" for none; may hold a secret */
    bool has_login; /* then: */
    char *hub;      /* "" is the server administrator */
    struct secret *password;
};

/* False: the target is not well formed. Clear it in any case. */
bool api_request_read(const struct http_head *head, struct api_request *out);
void api_request_clear(struct api_request *r);

/* "a=b&c=d" as an object of texts; the first of two equal names counts. NULL when it is not well
 * formed, or has more than API_QUERY_FIELDS. */
enum { API_QUERY_FIELDS = 256 };
json_t *api_query_parse(const char *query);

struct api_response {
    unsigned status;
    const char *type;   /* of the content */
    const char *origin; /* may read the answer; NULL: none */
    bool close;
    const char *body; /* NULL: none */
};
GBytes *api_response_make(const struct api_response *r);
