FROM python:3.10-slim
RUN pip install --no-cache-dir poetry
COPY . /code
WORKDIR /code
RUN poetry config virtualenvs.create false && poetry install --no-root
CMD ["sh", "-c", "alembic upgrade head && uvicorn app.main:app --port $PORT"]
