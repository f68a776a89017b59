-- Which service's canary the request behind a payment was pinned to; kept where its trace context is.
alter table payment add column canary text not null default '';
