FROM ubuntu
MAINTAINER ml-team
RUN apt-get update && apt-get upgrade -y && apt-get install -y python3-pip python3-dev supervisor nginx
ADD . /opt/service
WORKDIR /opt/service
RUN pip3 install -r requirements.txt
RUN chmod -R 755 /opt/service
ENV DB_PASSWORD=postgres
CMD service nginx start && supervisord -n
