/* SPDX-License-Identifier: Apache-2.0 */
/* api_service.h - the administration API as a service of the TLS listeners. */
#pragma once

#include "core/proto/conn.h"
#include "core/rpc/http_api.h"

struct api_service;

/* rpc is borrowed. */
struct api_service *api_service_new(struct rpc_server *rpc);
/* After the listeners are gone. */
void api_service_free(struct api_service *a);
const struct http_service *api_service_http(struct api_service *a);
