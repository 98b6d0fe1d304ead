# Varnish before the origin. What is not said here is as it is built in.
vcl 4.1;
backend default {
    .host = "@ORIGIN_HOST@";
    .port = "@ORIGIN_PORT@";
}
sub vcl_recv {
    if (req.url == "/readyz") {
        return (synth(200));
    }
    if (req.url ~ "^/pass/") {
        return (pass);
    }
}
